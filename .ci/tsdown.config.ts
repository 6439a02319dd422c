import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { UserConfig } from 'tsdown';

const root = fileURLToPath(new URL('..', import.meta.url));
/** The result of `pushPath`, found once a build. */
const reached = new Set<string>();

/** Where a push to an address begins. */
const pushRoot = 'src/cli/main.ts';

/** The graph of modules, as the bundler knows it. */
interface Graph {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null;
}

/**
 * The bundle: everything in it, so that an installation has one package and a start reads few files. Each file costs
 * half a millisecond: what every push needs is one of them, what only some commands need (zod, yaml, execa, mDNS, the
 * simulator) stays apart, by dynamic imports alone. `npm run bench -- startup` measures it.
 */
export default {
  cwd: root,
  entry: { cli: 'src/bin.ts', index: 'src/index.ts', simulator: 'src/simulator/index.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  fixedExtension: false,
  dts: true,
  // The names of functions and classes stay, for the reports of mistakes.
  minify: { compress: true, mangle: { keepNames: true }, codegen: { removeWhitespace: true } },
  plugins: [thirdPartyLicences()],
  // cosmiconfig names it, and only its own loader for TypeScript would need it; jiti reads those here.
  deps: { neverBundle: ['typescript'] },
  checks: { ineffectiveDynamicImport: false },
  outputOptions: {
    codeSplitting: { groups: [{ name: (id, context) => (pushPath(context).has(id) ? 'push' : null) }] },
  },
} satisfies UserConfig;

/** Every module that the root imports statically, directly or not: the bundle's first file. */
function pushPath(graph: Graph): ReadonlySet<string> {
  if (reached.size > 0) return reached;
  const waiting = [join(root, pushRoot)];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (reached.has(id)) continue;
    const info = graph.getModuleInfo(id);
    if (info === null) throw new Error(`The bundle has no module ${id}.`);
    reached.add(id);
    waiting.push(...info.importedIds);
  }
  return reached;
}

/** The licences of everything that is bundled go into dist/, as those licences ask. */
function thirdPartyLicences() {
  return {
    name: 'third-party-licences',
    generateBundle(
      this: { emitFile: (file: { type: 'asset'; fileName: string; source: string }) => void },
      _options: unknown,
      bundle: Record<string, { moduleIds?: string[] }>,
    ) {
      const folders = new Set<string>();
      for (const { moduleIds = [] } of Object.values(bundle)) {
        for (const id of moduleIds) {
          const [folder] = /.*node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id) ?? [];
          if (folder !== undefined) folders.add(folder);
        }
      }
      // The pass that writes the types bundles no code.
      if (folders.size === 0) return;
      const source = `otarc contains these packages:\n\n${[...folders].map(noticeOf).toSorted().join('\n----\n\n')}`;
      this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY-LICENSES.txt', source });
    },
  };
}

function noticeOf(folder: string): string {
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license: string;
  };
  const file = readdirSync(folder).find((each) => /^licen[cs]e(\.|$|-)/i.test(each));
  const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  return `${about.name} ${about.version} (${about.license})\n${text}`;
}
