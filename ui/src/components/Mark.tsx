/** The name mark: one negative, and the print that is made from it. */
export function Mark({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect
        x="3"
        y="3"
        width="19"
        height="19"
        rx="4"
        fill="none"
        stroke="var(--mantine-color-amber-5)"
        strokeWidth="2.5"
      />
      <rect x="10" y="10" width="19" height="19" rx="4" fill="var(--mantine-color-amber-5)" />
      <path d="M10 22V14a4 4 0 0 1 4-4h8v8a4 4 0 0 1-4 4z" fill="#fff" fillOpacity=".55" />
    </svg>
  );
}
