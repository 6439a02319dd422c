/** What a sketch.yaml says about the board and about pushing over the network, and where it says so. Pure. */

import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { isNetworkName } from '../network-name.ts';
import type { ProjectFacts, Said } from '../types.ts';

type SketchFacts = Pick<ProjectFacts, 'fqbn' | 'profile' | 'uploads'>;
/** What stands under a path of keys. */
type Look = (...path: string[]) => Said<string> | undefined;

interface Sketch {
  /** Of the file, for the origins. */
  readonly name: string;
  readonly text: string;
  /** The profile that is asked for; without it, `default_profile`. */
  readonly profile?: string | undefined;
}

/**
 * The port of the profile that is built goes before `default_port`. `port_config` is for the monitor, and says nothing
 * about uploads.
 */
export function readSketchFacts({ name, text, profile }: Sketch): SketchFacts {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'silent' });
  if (document.errors.length > 0) return { uploads: [] };
  const look: Look = (...path) => {
    const value = document.getIn(path);
    if (typeof value !== 'string' || value === '') return undefined;
    return { value, origin: `${name}:${lines.linePos(offsetOf(document, path)).line} ${path.join('.')}` };
  };
  const fqbn = look('default_fqbn');
  const defaultProfile = look('default_profile');
  const chosen = profile ?? defaultProfile?.value;
  const host =
    (chosen === undefined ? undefined : networkPort(look, 'profiles', chosen, '')) ??
    networkPort(look, 'default_');
  return {
    ...(fqbn && { fqbn }),
    ...(defaultProfile && { profile: defaultProfile }),
    uploads: host === undefined ? [] : [{ origin: host.origin, serves: [], host }],
  };
}

/** arduino-cli itself does not heed the protocol: where none is written, what looks like an address is one. */
function networkPort(look: Look, ...before: string[]): Said<string> | undefined {
  const at = (key: string): Said<string> | undefined =>
    look(...before.slice(0, -1), `${before.at(-1) ?? ''}${key}`);
  const [port, protocol] = [at('port'), at('protocol')?.value];
  const isNetwork = protocol === 'network';
  if (port === undefined || (protocol !== undefined && !isNetwork)) return undefined;
  return isNetworkName(port.value, isNetwork) ? port : undefined;
}

/** Of the last key of a path that leads to a value. */
function offsetOf(document: Document, path: readonly string[]): number {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1));
  const items = isMap(parent) ? parent.items : [];
  const key = items.map((item) => item.key).find((each) => isScalar(each) && each.value === path.at(-1));
  return isScalar(key) ? (key.range?.[0] ?? 0) : 0;
}
