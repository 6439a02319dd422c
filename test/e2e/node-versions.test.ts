import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { nodeVersions } from '../tools/nodes.ts';
import { packed } from '../support/packed.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools, toolPaths } from '../support/tools.ts';

describe.skipIf(requireTools('nodes'))('the packed command', () => {
  it.each(nodeVersions)('does the main job with Node %s', async (version) => {
    const { bin } = await packed();
    const node = toolPaths().nodes[version] ?? '';
    const cwd = await tempDir();
    await mkdir(join(cwd, 'tmp'));
    const env = { PATH: `${dirname(node)}:${process.env['PATH']}`, TMPDIR: join(cwd, 'tmp'), HOME: cwd };
    const { stdout } = await execa(node, ['--version']);
    expect(stdout).toBe(`v${version}`);
    const demo = await execa(node, [bin, 'demo'], { cwd, env, extendEnv: false, reject: false, all: true });
    expect(demo.all).toContain('runs version 1.0.1');
    expect(demo.exitCode).toBe(0);
    // Newer versions warn about what they will drop; users would see that.
    expect(demo.all).not.toMatch(/deprecat|experimental/i);
  });
});
