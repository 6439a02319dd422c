/**
 * Vitest's global set-up: the real build tools, for the tests that run them.
 *
 * With `CI=true` or `OTARC_SETUP_TOOLS=1` what is missing is installed, cached under `.tools` (`OTARC_TOOLS_DIR`). Without,
 * nothing is ever downloaded: what lies in the cache or on PATH is used, and tests of what is missing skip with a reason.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { arduinoCli } from './arduino-cli.ts';
import { compiler } from './compiler.ts';
import { withLock } from './lock.ts';
import { nodes } from './nodes.ts';
import { python } from './python.ts';
import { findTools, report } from './find.ts';
import { toolNames, type ToolReport } from './report.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  project.provide('tools', await provideTools());
  // Filled by the first test that needs the packed command; a run without one pays nothing for it.
  const packedDir = await mkdtemp(join(tmpdir(), 'otarc-packed-'));
  project.provide('packedDir', packedDir);
  return () => rm(packedDir, { recursive: true, force: true });
}

async function provideTools(): Promise<ToolReport> {
  const root = resolve(import.meta.dirname, '../..');
  const dir = process.env['OTARC_TOOLS_DIR'] ?? join(root, '.tools');
  const inCi = process.env['CI'] === 'true';

  let found = report(findTools(dir));
  if ((inCi || process.env['OTARC_SETUP_TOOLS'] === '1') && isIncomplete(found)) {
    await withLock(dir, () => installAll(dir));
    found = report(findTools(dir));
  }

  const lines = toolNames.flatMap((name) => found.missing[name] ?? []);
  if (inCi && lines.length > 0) throw new Error(`CI needs every tool:\n${lines.join('\n')}`);
  for (const line of lines) process.stderr.write(`${line} Its tests are skipped.\n`);
  return found;
}

/** Each into a folder of its own, each complete or not there at all, so side by side and again after an interruption. */
async function installAll(dir: string): Promise<void> {
  const ends = await Promise.allSettled(
    [compiler, python, arduinoCli, nodes].map((part) => part.provide(dir)),
  );
  const failures = ends.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
  if (failures.length > 0) throw new Error(`The tools for the tests:\n${failures.join('\n')}`);
}

function isIncomplete(found: ToolReport): boolean {
  return Object.keys(found.missing).length > 0;
}
