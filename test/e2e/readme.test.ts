import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/model/errors.ts';
import { otarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

const readme = await readFile(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');

/** The commands of the fenced `sh` and `console` blocks, and those in the text between backticks. */
function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```(?:sh|console)\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  const lines = blocks.join('\n').split(/\n|&&/);
  const inBlocks = lines.map((line) => line.replace(/^\$ /, '').replace(/#.*/, '').trim());
  const inText = [...text.matchAll(/`(otarc [^`]*)`/g)].map(([, command = '']) => command);
  return [...inBlocks, ...inText].filter((line) => /^otarc\b/.test(line));
}

async function helpOf(name: string): Promise<string> {
  return (await otarc([name, '--help'], { cwd: await tempDir() })).stdout;
}

const flagsOf = (text: string): string[] => text.match(/(?<![\w-])--?[a-z][\w-]*/gi) ?? [];

describe('the README', () => {
  it('shows only commands and flags that exist', async () => {
    const commands = commandsOf(readme);
    expect(commands.length).toBeGreaterThan(8);
    const names = [...new Set(commands.map((command) => command.split(/\s+/)[1] ?? ''))];
    expect(names).toContain('deploy');
    const help = new Map(await Promise.all(names.map(async (name) => [name, await helpOf(name)] as const)));
    for (const command of commands) {
      const name = command.split(/\s+/)[1] ?? '';
      const known = flagsOf(help.get(name) ?? '');
      expect(help.get(name), command).toContain(`Usage: otarc ${name}`);
      for (const flag of flagsOf(command)) expect(known, command).toContain(flag);
    }
  });

  it('lists the commands and the flags of `deploy` and `push`, each of them', async () => {
    const overview = (await otarc(['--help'], { cwd: await tempDir() })).stdout;
    const commands = [...overview.matchAll(/^ {2}(\w+) \[/gm)].map(([, name = '']) => name);
    const table = [...readme.matchAll(/^\| `otarc (\w+)/gm)].map(([, name = '']) => name);
    expect(table.toSorted()).toEqual(commands.filter((name) => name !== 'help').toSorted());

    const [section = ''] = /^Flags of `deploy` and `push`[\s\S]*?\n\n/m.exec(readme) ?? [];
    const told = flagsOf(section);
    // One line of the help is one flag, short and long.
    const lines = (await helpOf('deploy')).match(/^ {2}-.*$/gm) ?? [];
    const flags = lines.map((line) => flagsOf(/^ {2}(\S+( -\S+)?)/.exec(line)?.[1] ?? ''));
    const unheard = flags.filter((names) => !names.some((name) => told.includes(name)));
    expect(unheard).toEqual([['-h', '--help']]);
    expect(told.filter((name) => !flags.flat().includes(name))).toEqual([]);
  });

  it('lists every error code once, with the exit status that it has', () => {
    const [section = ''] = /## Error codes[\s\S]*?(?=\n## )/.exec(readme) ?? [];
    const paragraphs = section.split(/(?<=\s)(?=Exit \d)/).filter((text) => text.startsWith('Exit '));
    expect(paragraphs).toHaveLength(5);
    const listed = paragraphs.flatMap((text) => text.match(/(?<=`)[A-Z_\d]+(?=`)/g) ?? []);
    expect(listed.toSorted()).toEqual(Object.keys(errorCodes).toSorted());
    for (const text of paragraphs) {
      const status = Number(/^Exit (\d+)/.exec(text)?.[1]);
      const codes = [...text.matchAll(/`([A-Z_\d]+)`/g)].map(([, code = '']) => code);
      const records = Object.entries(errorCodes).filter(([code]) => codes.includes(code));
      expect(records.map(([code]) => code).toSorted()).toEqual(codes.toSorted());
      expect(new Set(records.map(([, { exitCode }]) => exitCode))).toEqual(new Set([status]));
    }
  });
});
