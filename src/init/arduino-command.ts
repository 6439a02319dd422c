/**
 * The command that starts otarc in arduino-cli's own files. Pure.
 *
 * Those files are for every sketch of the computer, and stay when otarc goes (npm uninstall, another node). A command that
 * cannot be started fails every compile there, and a discovery that ends without an answer fails the list of ports. So a
 * few lines of sh stand between: without otarc they build, list and go by cable as before, and say why nothing is pushed.
 *
 * arduino-cli runs no shell. It splits at spaces; a quote groups only at the start of a word, up to the next word that ends
 * with one, so that no `'` may be in the script; and braces are its own, so that JSON gets them from printf.
 */

import { sep } from 'node:path';
import { toReadableText } from './lines.ts';
import type { Installation } from './types.ts';

const gone =
  'otarc is not installed any more: nothing is pushed (otarc init --remove, or npm install --global otarc)';

/** `$0` and `$1` are node and otarc's script, `$2` is otarc's command. */
const guard = [
  'if test -x "$0" && (test -f "$1" || command -v "$1" >/dev/null 2>&1); then exec "$0" "$@"; fi;',
  'if test "$2" = discovery; then',
  'while read -r word rest; do more=;',
  'case "$word" in',
  'HELLO) kind=hello; more="\\"protocolVersion\\": 1, ";;',
  'START) kind=start;;',
  'START_SYNC) kind=start_sync;;',
  'STOP) kind=stop;;',
  'LIST) kind=list; more="\\"ports\\": [], ";;',
  'QUIT) kind=quit;;',
  '*) kind=command_error; more="\\"error\\": true, ";;',
  'esac;',
  'printf "\\173\\"eventType\\": \\"%s\\", %s\\"message\\": \\"OK\\"\\175\\n" "$kind" "$more";',
  'if test "$kind" = quit; then exit 0; fi;',
  'done; exit 0; fi;',
  `echo "${gone}" >&2;`,
  // A build does not fail because of this; an upload does.
  'test "$2" = push',
].join(' ');

/**
 * Both paths in full: an IDE has another PATH. An otarc that npx has fetched is gone tomorrow; then the one that will be
 * installed is meant. Windows has no sh, and keeps the plain form.
 */
export function commandOf({ node, script }: Installation): string {
  const isFetched = script.includes(`${sep}_npx${sep}`);
  if (sep === '\\') return isFetched ? '"otarc"' : `${quoted(node)} ${quoted(script)}`;
  return guarded(isFetched ? '"/usr/bin/env" "otarc"' : `${quoted(node)} ${quoted(script)}`);
}

const prefix = 'otarc.cmd=';

/** Lines of an otarc that wrote no guard yet, with one. Others stay as they are. */
export function withGuard(line: string): string {
  const [, words] = /^otarc\.cmd=("[^"]*" "[^"]*")$/.exec(line) ?? [];
  return words === undefined || sep === '\\' ? line : prefix + guarded(words);
}

/** The script in a line `otarc.cmd=… "node" "script"`. */
export function scriptOf(lines: readonly string[]): string | undefined {
  const line = lines.find((each) => each.startsWith(prefix));
  const [, script] = /[= ]"[^"]*" "([^"]*)"$/.exec(line ?? '') ?? [];
  return script === undefined ? undefined : toReadableText(script);
}

const guarded = (words: string): string => `/bin/sh -c '${guard}' ${words}`;
const quoted = (path: string): string => `"${path.replaceAll('\\', '/')}"`;
