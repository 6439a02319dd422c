import { isColored, styled, type ColorChoice } from '../terminal/color.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import { pad, widthOf } from '../terminal/width.ts';
import { loadConfig } from '../../config/index.ts';
import { findHost } from '../../network/find-host.ts';
import type { Config, Flags, Origin } from '../../config/types.ts';
import { printable, printableLines } from '../../model/printable.ts';
import { buildRequestOf } from '../../deploy/plan.ts';
import type { ProjectFacts } from '../../model/project-facts.ts';
import type { Io } from './io.ts';

export interface ConfigOptions {
  readonly flags: Flags;
  readonly json: boolean;
  /** Print the JSON schema instead; no configuration is read. */
  readonly schema: boolean;
  readonly color: ColorChoice;
}

/** `otarc config`: every resolved value and where it came from. Passwords are shown as a mark. */
export async function config({ flags, json, schema, color }: ConfigOptions, io: Io): Promise<number> {
  if (schema) {
    const { jsonSchema } = await import('../../config/json-schema.ts');
    io.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
    return 0;
  }
  const { env, signal } = io;
  const ask = async (draft: Config): Promise<ProjectFacts | undefined> => {
    const { projectFacts } = await import('../../builders/index.ts');
    return projectFacts(buildRequestOf({ config: draft, command: undefined }, draft.build.environment), {
      env,
      signal,
    });
  };
  const project = { wanted: 'everything', ask } as const;
  const { config: resolved, warnings } = await loadConfig({
    command: 'config',
    flags,
    env,
    signal,
    findHost,
    project,
  });
  for (const warning of warnings) printLine(io.stderr, `warning: ${warning}`);
  io.stdout.write(json ? asJson(resolved, warnings) : asText(resolved, isColored(color, io.stdout)));
  return 0;
}

function asJson({ projectDir, file, origins }: Config, warnings: readonly string[]): string {
  const values = origins.map(({ value = null, ...rest }) => ({ ...rest, value }));
  return `${jsonText({ projectDir, file: file ?? null, warnings, values }, { indent: 2 })}\n`;
}

function asText({ projectDir, file, origins }: Config, hasColor: boolean): string {
  const rows = origins.map((origin) => ({
    ...origin,
    path: printable(origin.path),
    text: valueText(origin),
  }));
  const pathWidth = widest(rows.map(({ path }) => path));
  // One long value (a command, a folder) must not push every origin out of the window.
  const valueWidth = Math.min(48, widest(rows.map(({ text }) => text)));
  const lines = rows.flatMap(({ path, text, origin }, index) => {
    const line = `${pad(path, pathWidth)}  ${pad(text, valueWidth)}  ${origin}`;
    const isNewSection = index > 0 && sectionOf(path) !== sectionOf(rows[index - 1]?.path ?? '');
    return [...(isNewSection ? [''] : []), styled(line, isDefault(origin) ? 'dim' : undefined, hasColor)];
  });
  const head = [`project ${projectDir}`, `file    ${file ?? 'none'}`].map(printableLines);
  return `${[...head, '', ...lines].join('\n')}\n`;
}

function valueText({ value, note }: Origin): string {
  if (value === undefined) return note === undefined ? '' : `– ${note}`;
  if (Array.isArray(value)) return `[${value.map((each) => printable(String(each))).join(', ')}]`;
  return printable(String(value));
}

/** A device, or a key of the first level. */
const sectionOf = (path: string): string =>
  path.startsWith('devices') ? path.slice(0, path.lastIndexOf('.')) : path.replace(/\..*$/, '');

const isDefault = (origin: string): boolean => /^default(?::|$)/.test(origin);
const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(widthOf));
