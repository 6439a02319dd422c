/** Which environments' Upload goes over the air: those that do so already, else those that choose no cable themselves. Pure. */

import { isNetworkName } from '../builders/network-name.ts';
import { blocksOf, type Block } from './block.ts';
import { sectionsOf, type Section } from './ini.ts';
import { environmentsOf, familyOf, providerOf, valueOf } from './ini-values.ts';
import { toReadableText } from './lines.ts';

export interface UploadNote {
  readonly environment: string;
  /** Why its Upload stays as it is. */
  readonly reason: 'cable' | 'espota' | 'twin' | 'own-command' | 'shared';
  /** What says so in the ini; for a twin, the environment that goes over the air; for `shared`, the one that would with it. */
  readonly because: string;
}

interface Wanted {
  readonly targets: readonly string[];
  readonly environment?: string | undefined;
  readonly force: boolean;
}

interface Places {
  /** Names of the sections that get the lines. */
  readonly sections: readonly string[];
  readonly notes: readonly UploadNote[];
}

type Way =
  | { readonly type: 'otarc' | 'network' | 'open' }
  | { readonly type: 'cable' | 'espota' | 'own-command'; readonly because: string };

export function uploadPlaces(text: string, { targets, environment, force }: Wanted): Places {
  const sections = sectionsOf(text);
  const ways = targets.map((name) => ({ name, way: wayOf(text, sections, name) }));
  // One project, two environments: `x` by cable and `x_ota` over the air. That one is meant, if no other is named.
  const twin = ways.find(({ way }) => ['network', 'otarc', 'espota'].includes(way.type));
  const switched: string[] = [];
  const notes: UploadNote[] = [];
  for (const { name, way } of ways) {
    if (way.type === 'otarc') continue;
    const isNamed = name === environment;
    if (way.type === 'own-command' && !force) {
      notes.push({ environment: name, reason: 'own-command', because: way.because });
    } else if ((way.type === 'cable' || way.type === 'espota') && !isNamed) {
      notes.push({ environment: name, reason: way.type, because: way.because });
    } else if (way.type === 'open' && !isNamed && twin !== undefined) {
      notes.push({ environment: name, reason: 'twin', because: twin.name });
    } else switched.push(name);
  }
  for (const name of switched.toReversed()) {
    const heir = notes.find((note) => inheritsUpload(sections, note.environment, name));
    if (heir === undefined || name === environment) continue;
    switched.splice(switched.indexOf(name), 1);
    notes.push({ environment: name, reason: 'shared', because: heir.environment });
  }
  const readable = notes.map((note) => ({
    ...note,
    environment: toReadableText(note.environment),
    because: toReadableText(note.because),
  }));
  return { sections: placesFor(sections, switched), notes: readable };
}

/** Whether an environment would go by what is written in the section of another one. */
function inheritsUpload(sections: readonly Section[], heir: string, from: string): boolean {
  const family = familyOf(sections, `env:${heir}`);
  const at = family.indexOf(`env:${from}`);
  return (
    at > 0 &&
    ['upload_protocol', 'upload_command'].some((key) => {
      const own = providerOf(sections, `env:${heir}`, [key])?.section.name;
      return own === undefined || family.indexOf(own) >= at;
    })
  );
}

/** `[env]` where it speaks for all of them, else each one's own section. */
function placesFor(sections: readonly Section[], names: readonly string[]): string[] {
  const own = names.map((name) => `env:${name}`);
  const isAll = names.length > 0 && names.length === environmentsOf(sections).length;
  const hasCommon = sections.some(({ name }) => name === 'env');
  const isInherited = own.every((name) =>
    ['upload_protocol', 'upload_command'].every((key) => {
      const provider = providerOf(sections, name, [key]);
      return provider === undefined || provider.section.name === 'env';
    }),
  );
  return isAll && hasCommon && isInherited ? ['env'] : own;
}

function wayOf(text: string, sections: readonly Section[], name: string): Way {
  const value = (key: string): string => valueOf(sections, `env:${name}`, [key]) ?? '';
  const [protocol, command, port] = [value('upload_protocol'), value('upload_command'), value('upload_port')];
  if (hasOurLines(text, name)) return { type: 'otarc' };
  // The command counts whatever the protocol is.
  if (/\botarc\b/.test(command)) return { type: 'otarc' };
  if (command !== '') return { type: 'own-command', because: 'upload_command' };
  const isNetwork = isNetworkName(toReadableText(port), false);
  // Under another protocol a bare word is no name any more, and flags without an address are somebody else's.
  if (protocol === 'espota') return isNetwork ? { type: 'network' } : { type: 'espota', because: port };
  if (protocol !== '' && protocol !== 'custom') {
    return { type: 'cable', because: `upload_protocol = ${protocol}` };
  }
  if (port === '') return { type: 'open' };
  return isNetwork ? { type: 'network' } : { type: 'cable', because: `upload_port = ${port}` };
}

/** Also where the user has made comments of them, to go by cable. */
function hasOurLines(text: string, name: string): boolean {
  return ['env', `env:${name}`]
    .flatMap((section) => blocksIn(text, section))
    .some(({ lines }) => lines.some((line) => line.includes('upload_command')));
}

/** Our blocks in one section. */
export function blocksIn(text: string, name: string): Block[] {
  const sections = sectionsOf(text);
  const index = sections.findIndex((section) => section.name === name);
  const [first, last] = [sections[index]?.header.end, sections[index + 1]?.header.start ?? text.length];
  return first === undefined ? [] : blocksOf(text).filter(({ start }) => start >= first && start < last);
}
