/** What a build reads and what it writes, for who watches it. */

/** Absolute paths of files and folders, whether they exist or not. */
export interface SourcePaths {
  /** What the firmware is made of. */
  readonly firmware: readonly string[];
  /** Folders of libraries, each in a folder of its own, that it may be made of. */
  readonly libraries: readonly string[];
  /** What the file-system image is made of. */
  readonly filesystem: readonly string[];
  /** What says how it is built, and from what: after a change of these, everything is to be asked again. */
  readonly project: readonly string[];
  /** What builds write. Below the others, and not one of them. */
  readonly products: readonly string[];
}
