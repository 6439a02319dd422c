/**
 * HomeDing's own JSON, as the device reads it. Its parser compares keys without regard to their case, and an element may have
 * any id (`"ota": {"on": {…}}`). Pure.
 */

type Path = readonly PropertyKey[];

export interface Canonical {
  /** With `ota.0` and `device.0`, and their keys in small letters; all else as it is. */
  readonly value: Record<string, unknown>;
  /** A path of that value, as it is written. */
  written(path: Path): Path;
}

interface Element {
  readonly key: string;
  readonly id: string;
  /** Each as it is written, by its small letters. */
  readonly properties: ReadonlyMap<string, string>;
}

/** @param isFile of HomeDing: else `device` counts only beside `ota`, since otarc has a key of that name */
export function canonicalHomeding(value: Record<string, unknown>, isFile: boolean): Canonical {
  const hasOta = Object.entries(value).some(([key, each]) => nameOf(key, each) === 'ota');
  if (!isFile && !hasOta) return { value, written: (path) => path };
  const elements = new Map<string, Element>();
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => {
    const name = nameOf(key, each);
    if (name === undefined || !isRecord(each)) return [key, each];
    const id = Object.hasOwn(each, '0') ? '0' : (Object.keys(each)[0] ?? '0');
    const element = each[id];
    if (!isRecord(element)) return [key, each];
    const properties = Object.keys(element).map((own): [string, string] => [own.toLowerCase(), own]);
    elements.set(name, { key, id, properties: new Map(properties) });
    const canonical = Object.entries(element).map(([own, setting]) => [own.toLowerCase(), setting]);
    return [name, { '0': Object.fromEntries(canonical) }];
  });
  return {
    value: Object.fromEntries(entries),
    written([name, id, property, ...rest]) {
      const element = elements.get(String(name));
      if (element === undefined) return [name, id, property, ...rest].filter((each) => each !== undefined);
      const own =
        property === undefined ? [] : [element.properties.get(String(property)) ?? property, ...rest];
      return [element.key, ...(id === undefined ? [] : [element.id, ...own])];
    },
  };
}

/** The same for each device of a configuration, and for the whole of it. */
export function canonicalConfig(value: Record<string, unknown>): Canonical {
  const whole = canonicalHomeding(value, false);
  const devices = whole.value['devices'];
  if (!isRecord(devices)) return whole;
  const described = new Map(
    Object.entries(devices).flatMap(([name, device]): [string, Canonical][] =>
      isRecord(device) ? [[name, canonicalHomeding(device, false)]] : [],
    ),
  );
  const all = Object.entries(devices).map(([name, device]) => [name, described.get(name)?.value ?? device]);
  return {
    value: { ...whole.value, devices: Object.fromEntries(all) },
    written(path) {
      const [first, name, ...rest] = path;
      const device = first === 'devices' ? described.get(String(name)) : undefined;
      if (device === undefined || first === undefined || name === undefined) return whole.written(path);
      return [first, name, ...device.written(rest)];
    },
  };
}

/** Whether a device that is configured so never starts OTA: in safe mode, HomeDing starts no element at all. */
export function isInSafeMode({ device }: { readonly device?: unknown }): boolean {
  const element = isRecord(device) ? device['0'] : undefined;
  return isRecord(element) && /^(?:true|1|on|yes)$/i.test(String(element['safemode']));
}

/** An element: settings by their ids. */
function nameOf(key: string, value: unknown): 'ota' | 'device' | undefined {
  const name = (['ota', 'device'] as const).find((each) => each === key.toLowerCase());
  if (name === undefined || !isRecord(value)) return undefined;
  const elements = Object.values(value);
  return elements.length > 0 && elements.every(isRecord) ? name : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
