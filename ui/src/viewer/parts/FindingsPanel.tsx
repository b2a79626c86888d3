import { ActionIcon, Text, UnstyledButton } from "@mantine/core";
import { IconPencil, IconStarFilled, IconTrash } from "@tabler/icons-react";
import type { Types } from "@cornerstonejs/tools";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";

import type { Study } from "../study/asking";
import { showFinding, textOf } from "../engine/measured";
import { changeWords, hasWords, removeFinding } from "../engine/findings";
import { tools } from "../engine/tools";
import type { Findings } from "../findings";
import styles from "../viewer.module.css";

/** What was measured and which images were kept, each a click away. */
export function FindingsPanel({ studies, findings }: { studies: readonly Study[]; findings: Findings }) {
  const { t } = useTranslation("viewer");
  const series = studies.flatMap((study) => study.series);
  const isEmpty = findings.measured.length === 0 && findings.keys.length === 0;
  return (
    <aside className={styles.side} aria-label={t("findings")} tabIndex={0}>
      <h2>{t("findings")}</h2>
      {findings.trouble !== undefined && <Failure error={findings.trouble} />}
      {isEmpty && (
        <Text size="sm" c="dimmed">
          {t("findings.none")}
        </Text>
      )}
      {findings.measured.map((each) => (
        <Row
          key={each.annotationUID}
          onShow={() => void showFinding(each.metadata?.referencedImageId ?? "", series)}
          onRemove={() => removeFinding(each.annotationUID ?? "")}
          {...(hasWords(each) && { onChange: () => void changeWords(each) })}
        >
          <b>{t(`tool.${nameOf(each) as "length"}`)}</b> {textOf(each)}
        </Row>
      ))}
      {findings.keys.length > 0 && <h2>{t("key-images")}</h2>}
      {findings.keys.map((each) => (
        <Row
          key={each.imageId}
          onShow={() => void showFinding(each.imageId, series)}
          onRemove={() => findings.removeKey(each.imageId)}
        >
          <IconStarFilled size={13} />{" "}
          {t("key-image.at", {
            series: series.find((one) => one.series === each.series)?.description ?? "",
            image: each.image,
          })}
        </Row>
      ))}
    </aside>
  );
}

const nameOf = (finding: Types.Annotation) =>
  tools.find((each) => each.cornerstone === finding.metadata?.toolName)?.name ?? "length";

interface RowProps {
  children: React.ReactNode;
  onShow: () => void;
  onChange?: () => void;
  onRemove: () => void;
}

function Row({ children, onShow, onChange, onRemove }: RowProps) {
  const { t } = useTranslation();
  return (
    <div className={styles.finding}>
      <UnstyledButton onClick={onShow}>{children}</UnstyledButton>
      {onChange && (
        <ActionIcon variant="subtle" color="gray" aria-label={t("action.edit")} onClick={onChange}>
          <IconPencil size={15} />
        </ActionIcon>
      )}
      <ActionIcon variant="subtle" color="gray" aria-label={t("action.delete")} onClick={onRemove}>
        <IconTrash size={15} />
      </ActionIcon>
    </div>
  );
}
