/** What the tests know of the real build tools on this machine: made once per run by `setup.ts`, read by `requireTools`. */

export const toolNames = [
  'pio',
  'arduino-cli',
  'littlefs',
  'esptool',
  'nodes',
  'avahi',
  'firewalls',
  'compilers',
] as const;
/** `pio` and `arduino-cli` mean the tool with all it takes to compile; `littlefs`: `pio` with file-system images. */
export type ToolName = (typeof toolNames)[number];

/** Absolute paths. An empty string is what does not exist here: `missing` says of which tool, and why. */
export interface ToolPaths {
  readonly pio: string;
  /** PlatformIO's `packages` folder, with SCons in it. */
  readonly pioPackages: string;
  readonly arduinoCli: string;
  readonly esptool: string;
  readonly python: string;
  readonly ctags: string;
  readonly avahi: string;
  /** The folder of `nft`, where `iptables` is there as well. */
  readonly firewalls: string;
  /** The folder of `xtensa-lx106-elf-g++`. */
  readonly compilerDir: string;
  /** `g++` of this computer. */
  readonly hostCompiler: string;
  /** Node of each version that is tested, by version. */
  readonly nodes: Readonly<Record<string, string>>;
}

export interface ToolReport {
  readonly paths: ToolPaths;
  /** One line a tool that cannot be used: what it lacks. */
  readonly missing: Readonly<Partial<Record<ToolName, string>>>;
}

declare module 'vitest' {
  export interface ProvidedContext {
    tools: ToolReport;
    /** A folder of this run, where `packed()` keeps the tarball and its installation. */
    packedDir: string;
  }
}
