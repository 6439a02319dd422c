import { fileURLToPath } from 'node:url';

/**
 * The bundle: everything in it, so that an installation has one package and a start reads few files. Each file costs
 * half a millisecond: what every push needs is one of them, what only some commands need (zod, yaml, execa, mDNS, the
 * simulator) stays apart. `npm run bench -- startup` measures it.
 */
export default {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  entry: { cli: 'src/bin.ts', index: 'src/index.ts', simulator: 'src/simulator/index.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  fixedExtension: false,
  dts: true,
  // cosmiconfig names it, and only its own loader for TypeScript would need it; jiti reads those here.
  deps: { neverBundle: ['typescript'] },
  checks: { ineffectiveDynamicImport: false },
  outputOptions: {
    codeSplitting: {
      groups: [
        {
          name: 'push',
          test: new RegExp(
            [
              String.raw`src/(errors|failure|types|secret|numbers|without-undefined|cli|program|library|run|deploy|plan)\.ts`,
              String.raw`src/commands/(flags|deploy)\.ts`,
              String.raw`src/(report|verify|espota|image)/`,
              String.raw`src/discover/(index|locate|host-address|interfaces|port|addresses)\.ts`,
              String.raw`src/config/(index|places|default-sketch|environment|problem|resolve[a-z-]*|ledger|sources|select|secrets|limit|first-line|nearest|address)\.ts`,
              String.raw`node_modules/commander/`,
            ].join('|'),
          ),
        },
      ],
    },
  },
};
