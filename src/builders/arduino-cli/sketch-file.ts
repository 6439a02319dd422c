/** What of a `sketch.yaml` matters to a build and to an upload, and where it stands. */

import { join } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import type { Sourced } from '../../model/project-facts.ts';
import { projectText } from '../project-text.ts';

export interface PortSetting {
  readonly port?: Sourced<string>;
  readonly protocol?: string;
}

/** `port` and `protocol` are those for all profiles. */
export interface SketchFile extends PortSetting {
  readonly fqbn?: Sourced<string>;
  readonly profile?: Sourced<string>;
  readonly profiles: ReadonlyMap<string, PortSetting>;
  /** Whether a port or its protocol is named, for all or for a profile. */
  readonly namesPort: boolean;
  /** Folders of libraries that a profile names, as they are written: `dir: ../mine`. */
  readonly libraryDirs: readonly string[];
}

/** Of a sketch without such a file: one that says nothing. */
export async function findSketchFile(projectDir: string): Promise<SketchFile> {
  for (const name of ['sketch.yaml', 'sketch.yml']) {
    const text = await projectText(join(projectDir, name));
    if (text !== undefined) return readSketchFile({ name, text });
  }
  return { profiles: new Map(), namesPort: false, libraryDirs: [] };
}

/** Pure. A file that is no YAML counts as empty: arduino-cli refuses it, in better words. */
export function readSketchFile({ name, text }: { readonly name: string; readonly text: string }): SketchFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'silent' });
  const all = keysOf(valueOf(document));
  const said = (value: unknown, ...path: string[]): Sourced<string> | undefined => {
    if (typeof value !== 'string' || value === '') return undefined;
    return { value, origin: `${name}:${lines.linePos(offsetOf(document, path)).line} ${path.join('.')}` };
  };
  const [fqbn, profile] = ['default_fqbn', 'default_profile'].map((key) => said(all[key], key));
  const ports = (
    { port, protocol }: { readonly port: unknown; readonly protocol: unknown },
    ...path: string[]
  ): PortSetting => {
    const own = said(port, ...path);
    return { ...(own && { port: own }), ...(typeof protocol === 'string' && protocol && { protocol }) };
  };
  const general = { port: all['default_port'], protocol: all['default_protocol'] };
  const profiles = Object.entries(keysOf(all['profiles'])).map(([key, value]) => {
    const { port, protocol, libraries } = keysOf(value);
    return { key, port, protocol, libraries: Array.isArray(libraries) ? libraries : [] };
  });
  return {
    ...(fqbn && { fqbn }),
    ...(profile && { profile }),
    ...ports(general, 'default_port'),
    profiles: new Map(profiles.map((each) => [each.key, ports(each, 'profiles', each.key, 'port')])),
    namesPort: [general, ...profiles].some(
      ({ port, protocol }) => (port ?? undefined) !== undefined || (protocol ?? undefined) !== undefined,
    ),
    libraryDirs: profiles
      .flatMap(({ libraries }) => libraries.map((library: unknown) => keysOf(library)['dir']))
      .filter((dir) => typeof dir === 'string'),
  };
}

function valueOf(document: Document.Parsed): unknown {
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS();
  } catch {
    return undefined; // an alias of nothing
  }
}

function keysOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Of the last key of a path that leads to a value. */
function offsetOf(document: Document, path: readonly string[]): number {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1));
  const items = isMap(parent) ? parent.items : [];
  const key = items.map((item) => item.key).find((each) => isScalar(each) && each.value === path.at(-1));
  return isScalar(key) ? (key.range?.[0] ?? 0) : 0;
}
