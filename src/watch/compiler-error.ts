/** The first error in what a build prints: where it is, and what it says. Pure. */

export interface CompilerError {
  /** As the tool printed it: absolute, or from the project's folder. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** gcc and clang: `src/main.cpp:12:3: error: …`; the column may be missing. */
const located =
  /^\s*(?<file>(?:[A-Za-z]:)?[^:\s][^:\n]*):(?<line>\d+):(?:(?<column>\d+):)?\s*(?:fatal )?error:\s*(?<message>.+)$/i;
/** The linker: `src/main.cpp:12: undefined reference to …`, or only an object's section. */
const unresolved =
  /^(?:.*?(?:ld|ld\.exe|collect2): )?\s*(?<file>(?:[A-Za-z]:)?[^:\s(][^:\n(]*):(?:(?<line>\d+)|\([^()]*\)):\s*(?<message>undefined reference to .+|multiple definition of .+)$/;
/** Without a place: the linker's own, SCons, make, arduino-cli. */
const bare =
  /^(?!.*returned \d+ exit status)(?:.*?\b(?:ld|collect2)(?:\.exe)?: )(?<linker>.+)$|^(?:fatal )?error:\s*(?<plain>.+)$|^Error during build:\s*(?<arduino>.+)$|^make(?:\[\d+\])?: \*\*\* (?<make>.+)$|^\*\*\* \[.*\] (?<scons>(?!Error \d+$).+)$/i;

/** What one line of output says of an error, without colours. */
export function errorInLine(line: string): CompilerError | undefined {
  const { file, line: row, column, message } = (located.exec(line) ?? unresolved.exec(line))?.groups ?? {};
  if (file === undefined || message === undefined) return undefined;
  return {
    file: file.trim(),
    message: message.trim(),
    ...(row === undefined ? {} : { line: Number(row) }),
    ...(column === undefined ? {} : { column: Number(column) }),
  };
}

/** What one line says where none of them names a file. */
export function bareErrorInLine(line: string): string | undefined {
  const { linker, plain, arduino, make, scons } = bare.exec(line)?.groups ?? {};
  return (linker ?? plain ?? arduino ?? make ?? scons)?.trim();
}

/** `src/main.cpp:12:3`, as editors and terminals turn it into a link. */
export function placeText({ file, line, column }: CompilerError): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}
