/** What the forms of `otarc devices` share: who is asked on which interfaces, and what a person sees meanwhile. */

import type { Config, Flags } from '../../config/types.ts';
import type { List, Read } from '../../network/list/follow.ts';
import { interfacesBeforehand } from '../../network/list/interfaces-beforehand.ts';
import { isColored, styled, type ColorChoice } from '../terminal/color.ts';
import { printLine } from '../terminal/print.ts';
import { canRedraw, createScreen, type ScreenLine } from '../terminal/screen.ts';
import type { Io } from './io.ts';

export interface DevicesOptions {
  /** `cwd` absolute. */
  readonly flags: Flags;
  readonly json: boolean;
  /** Until it is interrupted, or `timeoutMs` is over. */
  readonly watch: boolean;
  /** Only the configured devices that do not run the last build. */
  readonly outdated: boolean;
  /** Ends as soon as this device, by name or address, is there. */
  readonly waitFor?: string | undefined;
  /** How long to listen. Default: 3 s; with `watch` and `waitFor`: for ever. */
  readonly timeoutMs?: number | undefined;
  readonly color: ColorChoice;
}

/** Where nothing else is said. */
export const listenMs = 3000;

/** What the configuration says, and the interfaces to ask on. */
export type Reading = Read & { readonly interfaces: readonly string[] };

export interface Scene {
  readonly options: DevicesOptions;
  readonly io: Io;
  readonly interfaces: readonly string[];
  readonly reading: Promise<Read>;
}

/** Waits for the configuration only where that alone can say whom to ask. */
export async function openScene(options: DevicesOptions, io: Io, reading: Promise<Reading>): Promise<Scene> {
  const beforehand = interfacesBeforehand(options.flags, io.env);
  const interfaces = beforehand ?? (await reading).interfaces;
  return { options, io, interfaces, reading };
}

export function readFrom({ devices, adHoc }: Config): Omit<Reading, 'warnings'> {
  const configured = devices.map(({ credentialSource, ...device }) => ({
    ...device,
    hasPassword: credentialSource.type !== 'none',
  }));
  return { configured, interfaces: adHoc.device.interfaces };
}

export interface View {
  /** It is a table on a terminal. */
  readonly isLive: boolean;
  draw(list: List): void;
  finish(list: List): void;
  /** Wipes what is drawn. */
  close(): void;
}

/** The list as lines of at most so many cells; Infinity: as wide as it gets. */
export type Table = (list: List, cells: number) => readonly ScreenLine[];

/** What a person sees; nothing of it for `--json`. */
export function openView(
  { options: { json, color }, io }: Scene,
  { footer, tableOf }: { readonly footer: string; readonly tableOf: Table },
): View {
  const isLive = !json && canRedraw(io.stdout, io.env);
  const hasColor = isColored(color, io.stdout);
  let told = 0;
  if (!isLive) {
    const tell = (message: string): void => {
      if (!json) printLine(io.stderr, `warning: ${message}`);
    };
    return {
      isLive,
      draw: ({ warnings, problems }) => {
        const messages = [...warnings, ...problems];
        messages.slice(told).forEach(tell);
        told = messages.length;
      },
      finish: (list) => {
        for (const { text, style } of tableOf(list, Infinity)) {
          io.stdout.write(`${styled(text, style, hasColor)}\n`);
        }
      },
      close: () => {},
    };
  }
  const screen = createScreen(io.stdout, hasColor);
  const linesOf = (list: List): ScreenLine[] => [
    ...tableOf(list, screen.cells),
    ...[...list.warnings, ...list.problems].map((text): ScreenLine => ({
      text: `warning: ${text}`,
      style: 'yellow',
    })),
  ];
  return {
    isLive,
    draw: (list) => screen.draw(linesOf(list), { text: footer, style: 'dim' }),
    finish: (list) => screen.finish(linesOf(list)),
    close: () => screen.close(),
  };
}
