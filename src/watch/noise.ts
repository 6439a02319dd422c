/** Names of files and folders that change without meaning anything to a build. Pure. */

/** Folders that no sources are in, wherever they lie: of version control, build tools, editors, packages. */
const folders = new Set([
  '.git',
  '.hg',
  '.svn',
  '.jj',
  '.pio',
  '.pioenvs',
  '.piolibdeps',
  '.vscode',
  '.idea',
  '.vs',
  '.settings',
  '.cache',
  '.ccls-cache',
  'node_modules',
  '__pycache__',
  '.venv',
]);

const files: readonly RegExp[] = [
  // vim: swap files, the backup, and the number it tries whether the folder can be written to
  /^\..*\.sw[a-z]x?$/i,
  /~$/,
  /^[4-9]\d{3}$|^\d{5}$/,
  // Emacs: the lock, the copy it saves by itself
  /^\.#/,
  /^#.*#$/,
  // JetBrains, Sublime Text, Kate, GNOME, sed -i, LibreOffice
  /___jb_(?:tmp|old|bak)___$/,
  /\.subl.*\.tmp$/,
  /\.kate-swp$/,
  /^\.goutputstream-/,
  /^sed[\da-z]{6}$/i,
  /^\.~lock\./,
  // VS Code and others: written beside the file, then renamed over it
  /\.(?:vsctmp|tmp|temp|part|crdownload)(?:\.\d+)*$/i,
  // of the systems: desktops, and files that are deleted while they are open on a network drive
  /^(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.directory)$/i,
  /^\.(?:nfs|fuse_hidden)[\da-f]+/i,
  // what compilers and their helpers leave in the place where they are started
  /\.(?:o|obj|d|gcno|gcda|su|lst|pyc|elf|map)$/i,
  /^(?:compile_commands\.json|tags|TAGS|GTAGS|GRTAGS|GPATH)$/,
];

export function isNoisyFolder(name: string): boolean {
  return folders.has(name);
}

export function isNoisyFile(name: string): boolean {
  return files.some((pattern) => pattern.test(name));
}

/** Of an Arduino library, what no build reads: the folders that its specification sets apart. */
export function isBesideLibrary(name: string): boolean {
  return /^(?:examples?|extras|docs?|tests?)$/i.test(name);
}
