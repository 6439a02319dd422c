/** The configuration file and what it names: read, checked, with every mistake. Loaded only where there is a file. */

import { dirname, resolve } from 'node:path';
import { OtaError } from '../model/errors.ts';
import { checkFile, checkHomeding } from './check-file.ts';
import type { Issue } from './describe-issue.ts';
import { homedingUrl, shownUrl } from './homeding-url.ts';
import { isInSafeMode } from './homeding.ts';
import type { FindHost } from './homeding-device.ts';
import { loadConfigFile, type LoadedFile } from './load.ts';
import { parseText } from './parse-text.ts';
import type { ConfigProblem } from './problem.ts';
import { shownKeyPath, shownName } from './quoting.ts';
import type { ConfigFile, HomedingFile } from './schema.ts';
import type { CheckedFile } from './sources.ts';

export interface ReadHomeding {
  /** What the devices' own HomeDing JSON says, by the device's name. */
  readonly homeding: ReadonlyMap<string, CheckedFile<HomedingFile>>;
  readonly problems: readonly ConfigProblem[];
  /** Sentences for a person. */
  readonly warnings: readonly string[];
}

export interface ReadFiles extends ReadHomeding {
  readonly file?: CheckedFile<ConfigFile>;
  /** Where a device itself has its JSON, by the device's name: not read yet, see `readFromDevices`. */
  readonly onDevices: ReadonlyMap<string, URL>;
}

/**
 * @param path absolute
 * @throws OtaError CONFIG_UNREADABLE; CANCELLED
 */
export async function readFiles(path: string, signal: AbortSignal): Promise<ReadFiles> {
  const loaded = await loadConfigFile(path, signal);
  const checked = checkFile(loaded.value);
  const file = writtenAs(loaded, checked);
  const onDevices = new Map<string, URL>();
  if (!checked.ok)
    return { homeding: new Map(), onDevices, problems: problemsOf(file, checked.issues), warnings: [] };
  const { settings } = checked;
  const devices = Object.entries(settings.devices ?? {}).flatMap(([name, device]) =>
    typeof device === 'object' && device !== null ? [{ name, device }] : [],
  );
  const warnings: string[] = [];
  if (typeof settings.device === 'object' && isInSafeMode(settings)) {
    const name = settings.device['0']?.name ?? 'the device';
    warnings.push(unsafeText(name, file.placeOf(['device', '0', 'safemode'])));
  }
  const besides = new Map<string, string>();
  for (const { name, device } of devices) {
    if (isInSafeMode(device))
      warnings.push(unsafeText(name, file.placeOf(['devices', name, 'device', '0', 'safemode'])));
    const url = homedingUrl(device.homeding ?? '');
    if (url !== undefined) onDevices.set(name, url);
    else if (device.homeding !== undefined) besides.set(name, resolve(dirname(path), device.homeding));
  }
  const own = await readAll(besides, async (place) => loadConfigFile(place, signal));
  return { ...own, file: { ...file, settings }, onDevices, warnings: [...warnings, ...own.warnings] };
}

interface DevicesContext {
  readonly signal: AbortSignal;
  readonly findHost: FindHost | undefined;
  readonly interfaces: readonly string[];
}

/**
 * From all of them beside each other. A device that is off must not keep anybody from pushing to the others: it is a
 * warning.
 *
 * @throws OtaError CANCELLED
 */
export async function readFromDevices(
  places: ReadonlyMap<string, URL>,
  context: DevicesContext,
): Promise<ReadHomeding> {
  const { readFromDevice } = await import('./homeding-device.ts');
  const failed: string[] = [];
  const read = await readAll(places, async (url): Promise<LoadedFile | undefined> => {
    try {
      const text = await readFromDevice(url, context);
      const { value, lineOf } = parseText(shownUrl(url), text);
      const placeOf: LoadedFile['placeOf'] = (path) => `${shownUrl(url)}:${lineOf(path) ?? 1}`;
      return { file: shownUrl(url), value, placeOf };
    } catch (error) {
      if (!(error instanceof OtaError) || error.code === 'CANCELLED') throw error;
      failed.push(`${error.message} Its name, port and password are not known from there.`);
      return undefined;
    }
  });
  return { ...read, warnings: [...failed, ...read.warnings] };
}

async function readAll<T>(
  places: ReadonlyMap<string, T>,
  load: (place: T) => Promise<LoadedFile | undefined>,
): Promise<ReadHomeding> {
  const homeding = new Map<string, CheckedFile<HomedingFile>>();
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const reading = [...places].map(async ([name, place]) => {
    const own = await load(place);
    if (own === undefined) return;
    const result = checkHomeding(own.value);
    const source = writtenAs(own, result);
    if (!result.ok) return void problems.push(...problemsOf(source, result.issues));
    if (isInSafeMode(result.settings))
      warnings.push(unsafeText(name, source.placeOf(['device', '0', 'safemode'])));
    homeding.set(name, { ...source, settings: result.settings });
  });
  await Promise.all(reading);
  return { homeding, problems, warnings };
}

const unsafeText = (name: string, place: string): string =>
  `${place}: ${shownName(name)} is in HomeDing's safe mode, in which it starts no OTA: a push finds nobody. Set "safemode" to "false" and restart it.`;

function writtenAs(
  { file, placeOf }: LoadedFile,
  { written }: ReturnType<typeof checkHomeding | typeof checkFile>,
): Pick<CheckedFile<unknown>, 'file' | 'placeOf'> {
  return { file, placeOf: (path) => placeOf(written(path)) };
}

function problemsOf(file: Pick<CheckedFile<unknown>, 'placeOf'>, issues: readonly Issue[]): ConfigProblem[] {
  return issues
    .map(({ path, message, isOrdinaryKey }) => ({
      place: file.placeOf(path),
      path: shownKeyPath(path, isOrdinaryKey),
      message,
    }))
    .toSorted((a, b) => a.place.localeCompare(b.place, 'en', { numeric: true }));
}
