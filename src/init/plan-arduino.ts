/**
 * Upload and ports of arduino-cli and the IDE. Pure.
 *
 * arduino-cli 1.0 knows no place in a sketch for this. So the boards' own folder gets lines in `platform.local.txt`, and the
 * sketchbook a folder `hardware/otarc/network`, which brings the ports. Several sketches share both: each is noted in them,
 * and the last one takes them away.
 */

import { join } from 'node:path';
import { commandOf, scriptOf, withGuard } from './arduino-command.ts';
import { blocksOf, isUserLine, userLine, withBlock, withoutBlock, type Block } from './block.ts';
import { textLines, toBytesText, withLines } from './lines.ts';
import { mergePlans, missingFolders } from './plan-files.ts';
import { stampOf, withStamp } from './stamp.ts';
import { emptyPlan, type ArduinoCore, type Choices, type ProjectSituation, type InitPlan } from './types.ts';

export const localName = 'platform.local.txt';
export const networkFolder = join('hardware', 'otarc', 'network');

export function planArduino(facts: ProjectSituation, choices: Choices): InitPlan {
  const { arduino } = facts;
  if (!choices.hooks.includes('arduino') || arduino === undefined) return emptyPlan;
  const { core, problem = '' } = arduino;
  if (core === undefined) return { ...emptyPlan, notes: [problem] };
  return mergePlans([planNetwork(facts, choices), planCore(facts, choices, core)]);
}

function planCore(facts: ProjectSituation, choices: Choices, core: ArduinoCore): InitPlan {
  const path = join(core.folder, localName);
  const before = facts.files.get(path);
  const key = uploadKeyOf(core.properties);
  const lines = coreLines(facts, key);
  const user = toBytesText(userLine(facts.folder));
  const [block] = blocksOf(before ?? '');
  const { after, isLeft = false } =
    before === undefined || block === undefined
      ? { after: withBlock(before ?? '', [user, ...lines], { madeFile: before === undefined }) }
      : withCoreLines(before, { block, lines, user, isForced: choices.force, existing: facts.existing });
  const notes = [
    ...(key === undefined ? [sameTool(core)] : []),
    ...(isLeft ? [`${path}: the lines of otarc were changed since, and are kept; --force renews them.`] : []),
  ];
  return { ...emptyPlan, notes, edits: after === before ? [] : [{ path, before, after }] };
}

interface Wanted {
  readonly block: Block;
  readonly lines: readonly string[];
  readonly user: string;
  readonly isForced: boolean;
  readonly existing: ReadonlySet<string>;
}

/** Another sketch has come first; its otarc serves this one as well, for as long as it is there. */
function withCoreLines(text: string, wanted: Wanted): { after: string; isLeft?: boolean } {
  const { block, lines, user, isForced, existing } = wanted;
  const ours = block.lines.filter((line) => !isUserLine(line));
  const keys = ours.map(keyOf);
  const missing = lines.filter((line) => keyOf(line) !== '' && !keys.includes(keyOf(line)));
  const isGone = !existing.has(scriptOf(ours) ?? '');
  const users = block.lines.filter(isUserLine);
  const isNew = !users.includes(user);
  if (!block.unchanged && !isForced) {
    const first = textLines(text.slice(block.start))[0]?.end ?? 0;
    const after = isNew ? withLines(text, block.start + first, [user]) : text;
    return { after, isLeft: isGone || missing.length > 0 };
  }
  const kept = isForced || isGone ? lines : [...ours.map(withGuard), ...missing];
  const rest = withoutBlock(text, block) ?? '';
  const all = [...users, ...(isNew ? [user] : []), ...kept];
  return {
    after: withBlock(rest, all, { madeFile: block.madeFile, at: Math.min(block.start, rest.length) }),
  };
}

/** The template says what the lines are for; here stands only which of them are meant. */
function coreLines({ templates, installation }: ProjectSituation, key: string | undefined): string[] {
  const local = templates.texts['arduino-cli/platform.local.txt'] ?? '';
  const valueOf = (name: string): string => {
    const line = local.split('\n').find((each) => each.startsWith(`#${name}=`));
    if (line === undefined) throw new Error(`platform.local.txt of the templates has no ${name}`);
    return line.slice(name.length + 2);
  };
  const pattern = valueOf(
    key?.endsWith('network_pattern') === true
      ? 'tools.esptool.upload.network_pattern'
      : 'tools.esp_ota.upload.pattern',
  );
  const hook = 'recipe.hooks.postbuild.99.pattern';
  return [
    '# A new version of these boards has a new folder, without these lines: run otarc init in the sketch again.',
    `otarc.cmd=${commandOf(installation)}`,
    '# After each build: does nothing, except for a sketch whose .otarc says hook: { pushOnBuild: true }.',
    `${hook}=${valueOf(hook)}`,
    ...(key === undefined
      ? []
      : ['# Upload to a network port; the cable is not touched.', `${key}=${pattern}`, ...fieldLines(key)]),
  ].map(toBytesText);
}

/** Asked for by the IDE, and by arduino-cli on a terminal. The old form has it by itself. */
function fieldLines(key: string): string[] {
  if (key.endsWith('network_pattern')) return [];
  const field = key.replace(/pattern$/, 'field.password');
  return [`${field}=Password`, `${field}.secret=true`];
}

/**
 * The property that says how these boards are uploaded to over the network; undefined: the same tool serves the cable.
 *
 * Boards made for IDE 1 name one tool; arduino-cli makes another one of its `network_pattern`, called `…__pluggable_network`.
 */
function uploadKeyOf(properties: Readonly<Record<string, string>>): string | undefined {
  const byCable = properties['upload.tool.default'] ?? properties['upload.tool'];
  const network = properties['upload.tool.network'];
  const legacy =
    /^(.+)__pluggable_network$/.exec(network ?? '')?.[1] ?? (network === undefined ? byCable : undefined);
  if (legacy !== undefined) return `tools.${legacy}.upload.network_pattern`;
  return network === undefined || network === byCable ? undefined : `tools.${network}.upload.pattern`;
}

/** Whether the lines for these boards say how to upload. */
export const isUploadHooked = ({ properties }: ArduinoCore): boolean => uploadKeyOf(properties) !== undefined;

const sameTool = ({ fqbn }: ArduinoCore): string =>
  `${fqbn} has one tool for cable and network: its Upload stays as it is; otarc push and otarc deploy do without.`;

/** The ports: devices of `.otarc`, and those that announce themselves. */
function planNetwork(facts: ProjectSituation, choices: Choices): InitPlan {
  const folder = join(facts.arduino?.sketchbook ?? '', networkFolder);
  const [platform, boards] = ['platform.txt', 'boards.txt'].map((name) => join(folder, name));
  if (platform === undefined || boards === undefined) return emptyPlan;
  const before = facts.files.get(platform);
  const stamp = before === undefined ? undefined : stampOf(before);
  const user = toBytesText(userLine(facts.folder));
  if (before !== undefined && (stamp === undefined || !stamp.unchanged)) {
    // Somebody has copied the template; that does the same.
    return stamp === undefined || textLines(before).some(({ text }) => text === user)
      ? emptyPlan
      : { ...emptyPlan, edits: [{ path: platform, before, after: withUser(before, user) }] };
  }
  const users = textLines(before ?? '').flatMap(({ text }) => (isUserLine(text) ? [text] : []));
  const isStale =
    choices.force ||
    before === undefined ||
    !facts.existing.has(scriptOf(before.split('\n')) ?? '') ||
    before.split('\n').some((line) => withGuard(line) !== line);
  const folders = before === undefined ? missingFolders(facts, platform) : stamp?.madeFolders;
  const fresh = withStamp(networkText(facts), '#', folders);
  const all = [...users, ...(users.includes(user) ? [] : [user])];
  const base = isStale ? all.reduceRight((text, each) => withUser(text, each), fresh) : before;
  const after = textLines(base).some(({ text }) => text === user) ? base : withUser(base, user);
  const boardsBefore = facts.files.get(boards);
  const boardsAfter = withStamp(
    toBytesText(facts.templates.texts[`arduino-cli/hardware/otarc/network/boards.txt`] ?? ''),
    '#',
  );
  return {
    ...emptyPlan,
    edits: [
      ...(after === before ? [] : [{ path: platform, before, after }]),
      ...(boardsBefore === undefined ? [{ path: boards, before: undefined, after: boardsAfter }] : []),
    ],
  };
}

/** Behind the first line, which is the stamp. */
function withUser(text: string, user: string): string {
  return withLines(text, textLines(text)[0]?.end ?? 0, [user]);
}

function networkText({ templates, installation }: ProjectSituation): string {
  const text = templates.texts['arduino-cli/hardware/otarc/network/platform.txt'] ?? '';
  const command = commandOf(installation);
  return toBytesText(
    text.replace(/^otarc\.cmd=.*$/m, () => `otarc.cmd=${command}`).replace(/^otarc\.cmd\.windows=.*\n/m, ''),
  );
}

const keyOf = (line: string): string => /^([^#=][^=]*)=/.exec(line)?.[1] ?? '';
