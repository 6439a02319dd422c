/** What `init` makes of a platformio.ini, read by PlatformIO itself. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { withPioHooks } from '../../src/init/pio-hooks.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools, toolPaths } from '../support/tools.ts';
import { validIniText } from '../unit/init/ini-texts.ts';

const uploadCommand = '"$PYTHONEXE" otarc.py push -e "$PIOENV" --file $SOURCE';

/** Each text of a JSON file → its environments as pio resolves them, and every section as it stands; null: pio refuses it. */
const reader = `
import json, sys
from platformio.project.config import ProjectConfig

def read(text):
    with open("one.ini", "wb") as file:
        file.write(text.encode("latin-1"))
    try:
        config = ProjectConfig("one.ini")
        envs = {name: {key: config.get("env:" + name, key, None)
                       for key in ("extra_scripts", "upload_protocol", "upload_command", "upload_port", "board")}
                for name in config.envs()}
        raw = {section: dict(config._parser.items(section, raw=True)) for section in config._parser.sections()}
        return {"envs": envs, "raw": raw}
    except Exception as error:
        return {"error": type(error).__name__ + ": " + str(error)}

with open(sys.argv[1], encoding="utf-8") as file:
    print(json.dumps([read(text) for text in json.load(file)]))
`;

interface Environment {
  readonly extra_scripts: readonly string[] | null;
  readonly upload_protocol: string | null;
  readonly upload_command: string | null;
  readonly upload_port: string | null;
  readonly board: string | null;
}

type Answer =
  | { readonly error: string }
  | {
      readonly error?: undefined;
      readonly envs: Readonly<Record<string, Environment>>;
      readonly raw: Readonly<Record<string, Readonly<Record<string, string>>>>;
    };

async function readByPio(texts: readonly string[]): Promise<Answer[]> {
  const dir = await tempDir();
  await writeFile(join(dir, 'read.py'), reader);
  await writeFile(join(dir, 'texts.json'), JSON.stringify(texts));
  const env = { HOME: dir, PATH: process.env['PATH'], PLATFORMIO_CORE_DIR: join(dir, 'core') };
  const options = { cwd: dir, env, extendEnv: false, maxBuffer: 100_000_000 };
  const { stdout } = await execa(toolPaths().python, ['read.py', 'texts.json'], options);
  return JSON.parse(stdout) as Answer[];
}

describe.skipIf(requireTools('pio'))('platformio.ini with the hooks, as PlatformIO reads it', () => {
  it('has the script once in each environment, Upload where it was put, and everything else as before', async () => {
    const texts = fc.sample(validIniText, 1000);
    const edits = texts.map((text) =>
      withPioHooks(text, { script: true, upload: true, uploadCommand, force: false }),
    );
    const answers = await readByPio([...texts, ...edits.map(({ text }) => text)]);
    let looked = 0;
    for (const [index, text] of texts.entries()) {
      const [before, after, edit] = [answers[index], answers[texts.length + index], edits[index]];
      if (before === undefined || after === undefined || edit === undefined) throw new Error('unreachable');
      if (before.error !== undefined) continue;
      const shown = `${JSON.stringify(text)}\n→ ${JSON.stringify(edit.text)}`;
      if (after.error !== undefined) throw new Error(`${after.error}\n${shown}`);
      for (const [name, was] of Object.entries(before.envs)) {
        const is = after.envs[name];
        if (is === undefined) throw new Error(`${name} is gone: ${shown}`);
        looked += 1;
        const scripts = (was.extra_scripts ?? []).map((each) => each);
        expect({ name, scripts: [...(is.extra_scripts ?? [])].toSorted(), shown }).toEqual({
          name,
          scripts: [...scripts, 'post:otarc.py'].toSorted(),
          shown,
        });
        const stays = edit.notes.some(({ environment }) => environment === name);
        const [protocol, command] = stays
          ? [was.upload_protocol, was.upload_command]
          : ['custom', uploadCommand];
        expect({ name, protocol: is.upload_protocol, command: is.upload_command, shown }).toEqual({
          name,
          protocol,
          command,
          shown,
        });
        expect([is.board, is.upload_port]).toEqual([was.board, was.upload_port]);
      }
      expect(withoutHooked(after.raw), shown).toEqual(withoutHooked(before.raw));
    }
    expect(looked).toBeGreaterThan(300);
  });
});

const hooked = ['extra_scripts', 'upload_protocol', 'upload_command'];

function withoutHooked(raw: Readonly<Record<string, Readonly<Record<string, string>>>>): object {
  const entries = Object.entries(raw).map(([section, options]) => [
    section,
    Object.fromEntries(Object.entries(options).filter(([key]) => !hooked.includes(key))),
  ]);
  return Object.fromEntries(entries) as object;
}
