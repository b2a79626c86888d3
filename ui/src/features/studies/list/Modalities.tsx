import styles from "./plates.module.css";

/** Modalities as small plates: three, and how many more. */
export function Modalities({ codes = [] }: { codes?: readonly string[] | undefined }) {
  const shown = codes.length > 3 ? codes.slice(0, 2) : codes;
  return (
    <span className={styles.plates}>
      {shown.map((code) => (
        <span key={code} className={styles.code}>
          {code}
        </span>
      ))}
      {shown.length < codes.length && <small>+{codes.length - shown.length}</small>}
    </span>
  );
}

/** Labels as plates. */
export function Labels({ labels = [] }: { labels?: readonly string[] | undefined }) {
  return (
    <span className={styles.plates}>
      {labels.map((label) => (
        <span key={label} className={styles.label}>
          {label}
        </span>
      ))}
    </span>
  );
}
