import { ActionIcon, Divider, Menu, NumberInput, Slider, Tooltip } from "@mantine/core";
import {
  IconAdjustments,
  IconCamera,
  IconContrast,
  IconDots,
  IconFlipHorizontal,
  IconFlipVertical,
  IconKeyboard,
  IconLink,
  IconListDetails,
  IconMaximize,
  IconPlayerPause,
  IconPlayerPlay,
  IconReload,
  IconRotateClockwise,
  IconStar,
  IconTextCaption,
  IconVector,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";

import { commands, run } from "../commands";
import type { CommandName } from "../commands";
import { useStack } from "../study/fetching";
import { setWindow } from "../engine/actions";
import { windowsOf } from "../engine/presets";
import { renderingOf, renderingsOf } from "../engine/renderings";
import { toolsIn } from "../engine/tools";
import { useTurned } from "../engine/turning";
import type { GroupName, Tool } from "../engine/tools";
import type { Findings } from "../findings";
import { setState, SLAB_MM, slabModes, stackPanes, useViewer } from "../state";
import styles from "../viewer.module.css";
import { LayoutMenu } from "./LayoutMenu";
import { signOf } from "./signs";
import { toolIcons } from "./toolIcons";

type Icon = ComponentType<{ size?: number; stroke?: number }>;

const ACTIONS: readonly [CommandName, Icon][] = [
  ["invert", IconContrast],
  ["rotate", IconRotateClockwise],
  ["flip-h", IconFlipHorizontal],
  ["flip-v", IconFlipVertical],
  ["fit", IconMaximize],
  ["reset", IconReload],
];

/** Every tool and action by button; names and keys in their tips. */
export function Toolbar({ findings }: { findings: Findings }) {
  const { t } = useTranslation("viewer");
  const layout = useViewer((state) => state.layout);
  const group: GroupName = stackPanes[layout] > 0 ? "stack" : layout === "volume" ? "volume" : "planes";
  const usable = toolsIn(group, layout === "quad");
  return (
    <div className={styles.toolbar} role="toolbar" aria-label={t("toolbar")}>
      <LayoutMenu />
      <Divider orientation="vertical" />
      {usable
        .filter((each) => !each.measures && each.name !== "eraser")
        .map((each) => (
          <ToolButton key={each.name} tool={each} />
        ))}
      <Divider orientation="vertical" />
      {usable
        .filter((each) => each.measures || each.name === "eraser")
        .map((each) => (
          <ToolButton key={each.name} tool={each} />
        ))}
      {group !== "volume" && <Divider orientation="vertical" />}
      {group !== "volume" && <Windows />}
      {group === "stack" && ACTIONS.map(([name, icon]) => <Action key={name} name={name} icon={icon} />)}
      {group !== "stack" && <Action name="reset" icon={IconReload} />}
      {group === "stack" && <Film />}
      {layout !== "volume" && group === "planes" && <Slab />}
      {(layout === "volume" || layout === "quad") && <Rendering />}
      {stackPanes[layout] > 1 && <Switches />}
      <span className={styles.gap} />
      {group === "stack" && (
        <Button label={t("key-image")} hint="K" icon={IconStar} onClick={findings.toggleKey} />
      )}
      <Screenshot />
      <Sides />
    </div>
  );
}

interface ButtonProps {
  label: string;
  icon: Icon;
  hint?: string;
  isOn?: boolean;
  /** Why it cannot be done now. */
  lack?: string;
  onClick: () => void;
}

function Button({ label, hint, icon: Icon, isOn, lack, onClick }: ButtonProps) {
  const named = hint ? `${label} (${hint})` : label;
  return (
    <Tooltip label={lack ? `${label}: ${lack}` : named} openDelay={400}>
      <ActionIcon
        variant={isOn ? "filled" : "subtle"}
        color={isOn ? "amber" : "gray"}
        size="lg"
        aria-label={label}
        {...(isOn === undefined ? {} : { "aria-pressed": isOn })}
        {...(lack === undefined
          ? { onClick }
          : { "aria-disabled": true, "data-disabled": true, "aria-description": lack })}
      >
        <Icon size={19} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  );
}

function ToolButton({ tool }: { tool: Tool }) {
  const { t } = useTranslation("viewer");
  const isOn = useViewer((state) => state.tool === tool.name);
  return (
    <Button
      label={t(`tool.${tool.name as "window"}`)}
      hint={signOf(tool.key, t("key.space"))}
      icon={toolIcons[tool.name] ?? IconVector}
      isOn={isOn}
      onClick={() => setState({ tool: tool.name })}
    />
  );
}

interface ActionProps {
  name: CommandName;
  icon: Icon;
  isOn?: boolean;
  lack?: string | undefined;
}

function Action({ name, icon, isOn, lack }: ActionProps) {
  const { t } = useTranslation("viewer");
  const key = commands.find((each) => each.name === name)?.key ?? "";
  return (
    <Button
      label={t(`command.${name}`)}
      hint={signOf(key, t("key.space"))}
      icon={icon}
      onClick={() => run(name)}
      {...(lack === undefined ? {} : { lack })}
      {...(isOn === undefined ? {} : { isOn })}
    />
  );
}

function Screenshot() {
  const { t } = useTranslation("viewer");
  const turned = useTurned();
  const isPage = turned !== undefined && turned.film === undefined;
  return <Action name="screenshot" icon={IconCamera} lack={isPage ? t("screenshot.page") : undefined} />;
}

function Windows() {
  const { t } = useTranslation("viewer");
  const ref = useViewer((state) => state.panes[state.active] ?? null);
  const { data: stack } = useStack(ref);
  const windows = windowsOf(stack?.modality ?? "");
  if (windows.length === 0) return null;
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("windows")} title={t("windows")}>
          <IconAdjustments size={19} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {windows.map((each, index) => (
          <Menu.Item key={each.name} rightSection={<kbd>{index + 1}</kbd>} onClick={() => setWindow(each)}>
            {t(`window.${each.name as "lung"}`)} <small>{`${each.center} / ${each.width}`}</small>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Film() {
  const { t } = useTranslation("viewer");
  const isPlaying = useViewer((state) => state.isPlaying);
  const rate = useViewer((state) => state.framesPerSecond);
  return (
    <>
      <Action name="play" icon={isPlaying ? IconPlayerPause : IconPlayerPlay} isOn={isPlaying} />
      {isPlaying && (
        <NumberInput
          className={styles.number ?? ""}
          aria-label={t("rate")}
          suffix={t("rate.unit")}
          min={1}
          max={60}
          value={rate}
          onChange={(value) => setState({ framesPerSecond: Math.min(60, Math.max(1, Number(value) || 1)) })}
        />
      )}
    </>
  );
}

function Slab() {
  const { t } = useTranslation("viewer");
  const slab = useViewer((state) => state.slab);
  const mm = useViewer((state) => state.slabMm);
  return (
    <>
      <Choice
        label={t("slab")}
        value={slab}
        options={slabModes.map((each) => [each, t(`slab.${each}`)])}
        onChoose={(value) => setState({ slab: value })}
      />
      {slab !== "off" && (
        <Slider
          className={styles.slider ?? ""}
          thumbLabel={t("slab.mm")}
          label={(value) => t("overlay.mm", { mm: value })}
          min={SLAB_MM.least}
          max={SLAB_MM.most}
          value={mm}
          onChange={(value) => setState({ slabMm: value })}
        />
      )}
    </>
  );
}

function Rendering() {
  const { t } = useTranslation("viewer");
  const ref = useViewer((state) => state.panes[state.active] ?? null);
  const preset = useViewer((state) => state.preset);
  const { data: stack } = useStack(ref);
  const modality = stack?.modality ?? "";
  return (
    <Choice
      label={t("rendering")}
      value={renderingOf(preset, modality).name}
      options={renderingsOf(modality).map(({ name }) => [name, t(`rendering.${name as "bone"}`)])}
      onChoose={(value) => setState({ preset: value })}
    />
  );
}

interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  onChoose: (value: Value) => void;
}

function Choice<Value extends string>({ label, value, options, onChoose }: ChoiceProps<Value>) {
  return (
    <label className={styles.choice}>
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.target.value as Value)}>
        {options.map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Switches() {
  const isLinked = useViewer((state) => state.isLinked);
  const hasLines = useViewer((state) => state.hasReferenceLines);
  return (
    <>
      <Divider orientation="vertical" />
      <Action name="link" icon={IconLink} isOn={isLinked} />
      <Action name="lines" icon={IconDots} isOn={hasLines} />
    </>
  );
}

function Sides() {
  const side = useViewer((state) => state.side);
  const hasOverlay = useViewer((state) => state.hasOverlay);
  return (
    <>
      <Action name="overlay" icon={IconTextCaption} isOn={hasOverlay} />
      <Action name="findings" icon={IconListDetails} isOn={side === "findings"} />
      <Action name="help" icon={IconKeyboard} isOn={side === "help"} />
    </>
  );
}
