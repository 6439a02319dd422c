import { dirname } from 'node:path';
import { parseLogSource, type LogSource } from '../model/log-source.ts';
import { Secret } from '../model/secret.ts';
import { homedingUrl, hostOf } from './homeding-url.ts';
import { parseHost } from '../model/endpoint.ts';
import { portFrom } from '../model/port.ts';
import type { Sourced } from '../model/project-facts.ts';
import { pathText } from './problem.ts';
import type { Claimant, ProjectDevice } from './resolve-project.ts';
import { resolveCredentialSource, writtenPassword } from './resolve-credential-source.ts';
import { onVerifyFailedOf, resolveVerify } from './resolve-verify.ts';
import type { ConfigFile, DeviceSettings, HomedingFile } from './schema.ts';
import { settings as table } from './settings/index.ts';
import {
  besideFile,
  fromFile,
  fromInvocation,
  sourced,
  type CheckedFile,
  type Ledger,
  type ConfigSources,
} from './sources.ts';
import type { CredentialSource, DeviceConfig } from './types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/** A device as the file has it, with its short form spelled out. */
export interface DeviceEntry {
  readonly name: string;
  /** Key path of its settings. */
  readonly path: readonly string[];
  /** Key path of what names its host, where that is not `host`. */
  readonly shortForm?: string;
  readonly settings: DeviceSettings;
}

/** Every device that the file describes: under `devices`, as HomeDing's JSON, or by `device:` alone. */
export function deviceEntries(file: ConfigFile): DeviceEntry[] {
  const entries = Object.entries(file.devices ?? {});
  if (entries.length > 0) {
    return entries.map(([name, value]) => {
      const path = ['devices', name];
      if (typeof value === 'string') return { name, path, shortForm: value, settings: {} };
      return { name, path, settings: value ?? {} };
    });
  }
  const name = defaultDeviceOf(file);
  if (name === undefined) return [];
  const isText = typeof file.device === 'string';
  const settings = withoutUndefined({ ota: file.ota, device: isText ? undefined : file.device });
  return [{ name, path: [], ...(isText && { shortForm: name }), settings: settings as DeviceSettings }];
}

export function defaultDeviceOf(file: ConfigFile): string | undefined {
  return typeof file.device === 'string' ? file.device : file.device?.['0']?.name;
}

/** What the file itself says of where a device is, and what it is to run. */
export function claimantOf(sources: ConfigSources, entry: DeviceEntry): Claimant {
  const { name, settings } = entry;
  const { host, port } = placeOf(sources, entry);
  return { name, host: host?.value, port: settings.port ?? port?.value, environment: settings.environment };
}

/** @param project what the build tool's own files say of this very device */
export function resolveDevice(
  sources: ConfigSources,
  ledger: Ledger,
  entry: DeviceEntry,
  project?: ProjectDevice,
): DeviceConfig {
  const { file } = sources;
  const { name, settings } = entry;
  const label = pathText(['devices', name]);
  const homeding = homedingOf(sources, entry);
  const written = <K extends keyof DeviceSettings>(key: K) =>
    fromFile<DeviceSettings[K]>(file, [...entry.path, key], settings[key]);

  const { host, port: portInHost } = placeOf(sources, entry);
  const partitions =
    written('partitions') &&
    sourced(besideFile(file, settings.partitions), written('partitions')?.origin ?? '');
  const hash = written('passwordHash');
  const ownPort = [written('port'), portInHost, homeding.port, project?.port].find(
    (each) => each !== undefined,
  );

  return withoutUndefined({
    name,
    host: ledger.choose(`${label}.host`, [host, project?.host], name),
    port: ledger.chooseOptional(
      `${label}.port`,
      [...fromInvocation(sources, 'port'), ownPort],
      table.port.unsaid,
    ),
    ownPort: ownPort?.value,
    platform: ledger.chooseOptional(
      `${label}.platform`,
      [...fromInvocation(sources, 'platform'), written('platform')],
      table.platform.unsaid,
    ),
    credentialSource: resolveCredentialSource(sources, ledger, {
      label,
      name,
      written:
        writtenPassword(sources, [...entry.path, 'password'], settings.password) ??
        (hash && { ...hash, value: { type: 'hash', secret: new Secret(hash.value) } }) ??
        homeding.credential ??
        project?.credential,
    }),
    environment: ledger.chooseOptional(
      `${label}.environment`,
      [written('environment'), project?.environment],
      table.takes.unsaid,
    ),
    hostAddress: ledger.chooseOptional(
      `${label}.hostAddress`,
      [...fromInvocation(sources, 'hostAddress'), written('hostAddress'), project?.hostAddress],
      table.hostAddress.unsaid,
    ),
    hostPort: ledger.chooseOptional(
      `${label}.hostPort`,
      [...fromInvocation(sources, 'hostPort'), written('hostPort'), project?.hostPort],
      table.hostPort.unsaid,
    ),
    partitionsPath: ledger.chooseOptional(`${label}.partitions`, [partitions], table.partitions.unsaid),
    acceptFrom: ledger.choose(`${label}.acceptFrom`, [written('acceptFrom')], table.acceptFrom.unsaid),
    engine: ledger.choose(`${label}.engine`, [written('engine')], table.engine.unsaid),
    isHomeding: homeding.isKnown,
    logs: logSourceOf(ledger.chooseOptional(`${label}.logs`, [writtenLogs(file, entry)]), file),
    verify: resolveVerify(file, ledger, { label, path: entry.path, own: settings.verify }),
    onVerifyFailed: onVerifyFailedOf(file, ledger, { label, own: written('onVerifyFailed') }),
    interfaces: interfacesOf(sources),
  });
}

/** A text, or the words of a command. */
function writtenLogs(file: CheckedFile<unknown> | undefined, { path, settings: { logs } }: DeviceEntry) {
  const value = typeof logs === 'object' ? logs.command : logs;
  return fromFile<string | readonly string[] | undefined>(file, [...path, 'logs'], value);
}

function logSourceOf(
  given: string | readonly string[] | undefined,
  file: CheckedFile<unknown> | undefined,
): LogSource | undefined {
  if (given === undefined || file === undefined) return undefined;
  if (typeof given === 'string') return parseLogSource(given);
  return { type: 'command', command: given, cwd: dirname(file.file) };
}

/** Host, and a port behind it, as the file or the device's own JSON has them. */
function placeOf(
  sources: ConfigSources,
  entry: DeviceEntry,
): { host: Sourced<string> | undefined; port: Sourced<number> | undefined } {
  const { file } = sources;
  const { path, settings, shortForm } = entry;
  const named =
    fromFile(file, [...path, 'host'], settings.host) ??
    fromFile(file, path.length === 0 ? ['device'] : path, shortForm) ??
    homedingOf(sources, entry).host;
  const address = named === undefined ? undefined : parseHost(named.value);
  return {
    host: sourced(address?.host, named?.origin ?? ''),
    port: sourced(address?.port, named?.origin ?? ''),
  };
}

export function interfacesOf(sources: ConfigSources): readonly string[] {
  const given = fromInvocation(sources, 'interfaces').find((each) => each !== undefined);
  return given?.value ?? sources.file?.settings.interfaces ?? [];
}

interface HomedingFacts {
  readonly isKnown?: true;
  readonly host?: Sourced<string> | undefined;
  readonly port?: Sourced<number> | undefined;
  readonly credential?: Sourced<CredentialSource> | undefined;
}

/** What the device's own HomeDing JSON says, written in the configuration or named by `homeding:`. */
function homedingOf({ file, homeding }: ConfigSources, { name, path, settings }: DeviceEntry): HomedingFacts {
  const own: CheckedFile<HomedingFile> | undefined =
    settings.ota === undefined || file === undefined
      ? undefined
      : { file: file.file, settings, placeOf: (below) => file.placeOf([...path, ...below]) };
  const source = own ?? homeding.get(name);
  const url = homedingUrl(settings.homeding ?? '');
  if (source === undefined && url === undefined) return {};
  const ota = source?.settings.ota?.['0'];
  const host = source?.settings.device?.['0']?.name;
  const place = (...below: string[]): string => source?.placeOf(below) ?? '';
  return {
    isKnown: true,
    // Who has answered there is the device, whatever it calls itself.
    host: url
      ? sourced(hostOf(url), file?.placeOf([...path, 'homeding']) ?? '')
      : sourced(host, place('device', '0', 'name')),
    // HomeDing's OTA element listens on 8266 on every chip, where ArduinoOTA itself would take the platform's port.
    port:
      sourced(ota?.port === undefined ? undefined : portFrom(String(ota.port)), place('ota', '0', 'port')) ??
      sourced(8266, `default of HomeDing`),
    credential: ota?.passwd
      ? { value: { type: 'text', secret: new Secret(ota.passwd) }, origin: place('ota', '0', 'passwd') }
      : undefined,
  };
}
