/** The way back: everything that init has written is taken out, and nothing else. Pure. */

import { dirname, join } from 'node:path';
import { blocksOf, isUserLine, userLine, userOf, withoutBlock } from './block.ts';
import { otarcPy, ownFiles } from './hooks.ts';
import { textLines, toBytesText, toReadableText, withoutLines } from './lines.ts';
import { withoutPioHooks } from './pio-hooks.ts';
import { secretsName, wasThere } from './plan-config.ts';
import { mergePlans } from './plan-files.ts';
import { iniName } from './plan-pio.ts';
import { stampOf } from './stamp.ts';
import { emptyPlan, type FileEdit, type InitPlan } from './types.ts';

export interface RemovalFacts {
  /** Absolute; links resolved. */
  readonly folder: string;
  readonly files: ReadonlyMap<string, string>;
  /** `platform.local.txt` of every installed core that has one. */
  readonly cores: readonly string[];
  /** The sketchbook's `hardware/otarc/network`. */
  readonly network?: string | undefined;
  /** Other projects that share a file with this one, as far as they exist. */
  readonly existing: ReadonlySet<string>;
}

interface Options {
  /** Also what was changed since. */
  readonly force: boolean;
}

interface FileOptions extends Options {
  /** Default: yes. */
  readonly isCopy?: boolean;
}

export function planRemoval(facts: RemovalFacts, options: Options): InitPlan {
  const own = [...ownFiles, otarcPy].map(({ path }) => stampedFile(facts, join(facts.folder, path), options));
  return mergePlans([
    // What names another file goes before it.
    ini(facts),
    ...facts.cores.map((path) => coreLines(facts, path, options)),
    network(facts, options),
    ...own,
    stampedFile(facts, join(facts.folder, '.otarc'), { ...options, isCopy: false }),
    secrets(facts, options),
  ]);
}

function ini({ folder, files }: RemovalFacts): InitPlan {
  const path = join(folder, iniName);
  const before = files.get(path);
  return before === undefined ? emptyPlan : edited({ path, before, after: withoutPioHooks(before) });
}

function stampedFile({ files }: RemovalFacts, path: string, { force, isCopy = true }: FileOptions): InitPlan {
  const before = files.get(path);
  const stamp = before === undefined ? undefined : stampOf(before);
  if (before === undefined || stamp === undefined) return emptyPlan;
  if (!stamp.unchanged && !force) return kept(path);
  return edited({
    path,
    before,
    after: undefined,
    madeFolders: stamp.madeFolders,
    isCopy: isCopy && stamp.unchanged,
  });
}

/** The file with the passwords, and the line that keeps it out of git: that line stays for as long as our lines are there. */
function secrets({ folder, files }: RemovalFacts, { force }: Options): InitPlan {
  const path = join(folder, secretsName);
  const before = files.get(path);
  const [block] = blocksOf(before ?? '');
  const isKept = block !== undefined && !block.unchanged && !force;
  const ignorePath = join(folder, '.gitignore');
  const ignoring = files.get(ignorePath);
  const [rule] = blocksOf(ignoring ?? '');
  const foreign = rule?.lines.filter((line) => ![secretsName, wasThere, ''].includes(line)) ?? [];
  // Somebody's own secrets, written since, must not become visible to git by this.
  const rest = block === undefined || before === undefined || isKept ? before : withoutBlock(before, block);
  const isNeeded = rest !== undefined && rule?.lines.includes(wasThere) === false;
  return mergePlans([
    block === undefined || before === undefined
      ? emptyPlan
      : isKept
        ? kept(path)
        : edited({ path, before, after: withoutBlock(before, block), isSecret: true }),
    rule === undefined || ignoring === undefined || isKept
      ? emptyPlan
      : isNeeded
        ? { ...emptyPlan, notes: [`${ignorePath} keeps its line for ${secretsName}, which is still there.`] }
        : edited({ path: ignorePath, before: ignoring, after: withoutBlock(ignoring, rule, foreign) }),
  ]);
}

function coreLines(facts: RemovalFacts, path: string, { force }: Options): InitPlan {
  const before = facts.files.get(path);
  const [block] = blocksOf(before ?? '');
  if (before === undefined || block === undefined || !isUsedBy(block.lines, facts.folder)) return emptyPlan;
  if (hasOtherUsers(block.lines, facts)) {
    return edited({ path, before, after: withoutUsers(before, block.lines, facts) });
  }
  if (!block.unchanged && !force) return kept(path);
  return edited({ path, before, after: withoutBlock(before, block) });
}

function network(facts: RemovalFacts, options: Options): InitPlan {
  if (facts.network === undefined) return emptyPlan;
  const path = join(facts.network, 'platform.txt');
  const before = facts.files.get(path);
  const lines = textLines(before ?? '').map(({ text }) => text);
  if (before === undefined || stampOf(before) === undefined || !isUsedBy(lines, facts.folder))
    return emptyPlan;
  if (hasOtherUsers(lines, facts)) return edited({ path, before, after: withoutUsers(before, lines, facts) });
  // The folders above go with the last file in them.
  const boards = stampedFile(facts, join(dirname(path), 'boards.txt'), options);
  return mergePlans([boards, stampedFile(facts, path, options)]);
}

const isUsedBy = (lines: readonly string[], folder: string): boolean =>
  lines.includes(toBytesText(userLine(folder)));

/** The projects that a text with `# used by:` lines names. */
export const usersOf = (lines: readonly string[]): string[] =>
  lines.filter(isUserLine).map((line) => toReadableText(userOf(line)));

/** A project that was deleted or moved needs nothing any more. */
function hasOtherUsers(lines: readonly string[], { folder, existing }: RemovalFacts): boolean {
  return usersOf(lines).some((user) => user !== folder && existing.has(user));
}

function withoutUsers(text: string, lines: readonly string[], { folder, existing }: RemovalFacts): string {
  const gone = usersOf(lines).filter((user) => user === folder || !existing.has(user));
  return gone.reduce((result, user) => {
    const line = textLines(result).find((each) => each.text === toBytesText(userLine(user)));
    return line === undefined ? result : withoutLines(result, line);
  }, text);
}

function edited(edit: FileEdit): InitPlan {
  return edit.after === edit.before ? emptyPlan : { ...emptyPlan, edits: [edit] };
}

const kept = (path: string): InitPlan => ({
  ...emptyPlan,
  notes: [`${path} was changed since, and is kept; --force takes it away all the same.`],
});
