/** Names of files and folders that change without meaning anything to a build. Pure. */

/** Folders of version control and editors, wherever they lie. */
const foldersOfPeople = new Set(['.git', '.hg', '.svn', '.jj', '.vscode', '.idea', '.vs', '.settings']);
/** Folders of build tools and packages, that no sources are in. */
const foldersOfTools = new Set([
  '.pio',
  '.pioenvs',
  '.piolibdeps',
  '.cache',
  '.ccls-cache',
  'node_modules',
  '__pycache__',
  '.venv',
]);

const filesOfPeople: readonly RegExp[] = [
  // vim: swap files, the backup, and the name by which it tries whether the folder can be written to
  /^\..*\.sw[a-z]x?$/i,
  /~$/,
  /^4913$/,
  // Emacs: the lock, the copy it saves by itself
  /^\.#/,
  /^#.*#$/,
  // JetBrains, Sublime Text, Kate, GNOME, sed -i, LibreOffice
  /___jb_(?:tmp|old|bak)___$/,
  /\.subl[^.]*\.tmp$/,
  /\.kate-swp$/,
  /^\.goutputstream-/,
  /^sed[\da-z]{6}$/i,
  /^\.~lock\./,
  // VS Code and others: written beside the file, then renamed over it
  /\.(?:vsctmp|tmp|temp|part|crdownload)(?:\.\d+)*$/i,
  // of the systems: desktops, and files that are deleted while they are open on a network drive
  /^(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.directory)$/i,
  /^\.(?:nfs|fuse_hidden)[\da-f]+/i,
];
const filesOfTools: readonly RegExp[] = [
  // what compilers and their helpers leave in the place where they are started
  /\.(?:o|obj|d|gcno|gcda|su|lst|pyc|elf|map)$/i,
  /^(?:compile_commands\.json|tags|TAGS|GTAGS|GRTAGS|GPATH)$/,
  // vim's name where it is taken, counted on
  /^[4-9]\d{3}$|^\d{5}$/,
];

/** `isData`: of a file system, where all counts that a person has put there. */
export function isNoisyFolder(name: string, isData: boolean): boolean {
  return foldersOfPeople.has(name) || (!isData && foldersOfTools.has(name));
}

export function isNoisyFile(name: string, isData: boolean): boolean {
  const patterns = isData ? filesOfPeople : [...filesOfPeople, ...filesOfTools];
  return patterns.some((pattern) => pattern.test(name));
}

/** Of an Arduino library, what no build reads: the folders that its specification sets apart. */
export function isBesideLibrary(name: string): boolean {
  return /^(?:examples?|extras|docs?|tests?)$/i.test(name);
}
