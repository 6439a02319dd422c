/** Which variables a program gets that otarc starts for the user: a build, a command that prints a password, `--exec`. Pure. */

export interface ChildSecrets {
  /** Variables that the configuration names as the source of a password, of whichever device. */
  readonly secretVariables: readonly string[];
  /** What says which of them this program needs: its words, its project's files. */
  readonly texts: readonly string[];
}

/** otarc's own: the program has no use for them. */
const isOwn = (name: string): boolean => /^OTARC_PASSWORD/i.test(name);

/**
 * The environment without the passwords of devices, which a program that prints its environment would print too. One that
 * the texts name stays: who wrote it there wants it.
 */
export function childEnvironment(
  env: NodeJS.ProcessEnv,
  { secretVariables, texts }: ChildSecrets,
): NodeJS.ProcessEnv {
  const hidden = new Set(
    secretVariables
      .filter((name) => !texts.some((text) => text.includes(name)))
      // Windows does not tell upper case from lower case.
      .map((name) => name.toLowerCase()),
  );
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !isOwn(name) && !hidden.has(name.toLowerCase())),
  );
}
