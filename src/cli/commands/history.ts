/** `otarc history`: what was pushed, when, and what came of it; the newest first, as `git log` has it. */

import { loadConfig, selectDevices } from '../../config/index.ts';
import type { Config, DeviceConfig, Flags } from '../../config/types.ts';
import { openHistory, type History } from '../../deploy/history/history.ts';
import { hasImage } from '../../deploy/history/images.ts';
import { historyPlace } from '../../deploy/history/place.ts';
import { inOrder, keyOf, type HistoryRecord } from '../../deploy/history/record.ts';
import { isAddress } from '../../model/address.ts';
import { OtaError } from '../../model/errors.ts';
import { findHost } from '../../network/find-host.ts';
import { isColored, styled, type ColorChoice } from '../terminal/color.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import { historyTable } from './history-text.ts';
import type { Io } from './io.ts';

export interface HistoryCommandOptions {
  /** `cwd` absolute. */
  readonly flags: Flags;
  /** A device or group of the configuration, a name or an address. Default: every device. */
  readonly target?: string | undefined;
  /** How many records. Default: 20. */
  readonly count?: number | undefined;
  readonly json: boolean;
  readonly color: ColorChoice;
}

const usualCount = 20;

/** Resolves to the exit code. */
export async function historyCommand(options: HistoryCommandOptions, io: Io): Promise<number> {
  const { flags, target, count = usualCount, json, color } = options;
  const { env, signal, stdout, stderr } = io;
  const { config } = await loadConfig({ command: 'history', flags, env, signal, findHost });
  const place = historyPlace(env, { shared: config.history?.dir });
  const history = openHistory({ place, onLoss: () => {} });
  const all = target === undefined ? history.all() : recordsFor(target, { config, history });
  const shown = all.slice(-count).toReversed();
  if (json) {
    const isKept = ({ image }: HistoryRecord): boolean => place !== undefined && hasImage(place, image);
    const records = shown.map((record) => ({ ...record, isKept: isKept(record) }));
    stdout.write(`${jsonText({ records, total: all.length }, { indent: 2 })}\n`);
    return 0;
  }
  if (shown.length === 0) {
    const where = target === undefined ? 'Nothing was pushed yet' : `Nothing was pushed to ${target} yet`;
    printLine(stderr, `${where}, as far as ${place?.folder ?? 'otarc'} knows.`);
    return 0;
  }
  const cells = stdout.isTTY === true ? (stdout.columns ?? 80) : Infinity;
  for (const { text, style } of historyTable(shown, cells))
    stdout.write(`${styled(text, style, isColored(color, stdout))}\n`);
  if (shown.length < all.length)
    printLine(stderr, `the last ${shown.length} of ${all.length}; \`-n ${all.length}\` shows all`);
  return 0;
}

/**
 * Of whom a push would mean, else of whom had that name when it was pushed to. An address means also what was pushed there
 * under a name: the device has a history of its own for each.
 *
 * @throws {OtaError} `TARGET_UNKNOWN`
 */
function recordsFor(
  target: string,
  { config, history }: { readonly config: Config; readonly history: History },
): readonly HistoryRecord[] {
  try {
    const devices = selectDevices(config, { targets: [target] });
    const found = devices.flatMap((device) => [...history.of(keyOf(device)), ...sentTo(device, history)]);
    return inOrder([...new Map(found.map((record) => [record.id, record] as const)).values()]);
  } catch (error) {
    const named = history.all().filter(({ device }) => device.name === target);
    if (!(error instanceof OtaError) || error.code !== 'TARGET_UNKNOWN' || named.length === 0) throw error;
    return named;
  }
}

function sentTo(
  { host, port }: Pick<DeviceConfig, 'host' | 'port'>,
  history: History,
): readonly HistoryRecord[] {
  if (!isAddress(host)) return [];
  return history
    .all()
    .filter(({ place }) => place?.address === host && (port === undefined || place.port === port));
}
