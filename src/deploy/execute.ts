/**
 * What runs when: a reducer that says which jobs start, and a thin driver that starts them.
 *
 *   waiting ── a place is free, and the wave before has ended ──▶ running ── ended ──▶ (the next one may start)
 *
 * Deploy, watch and the hook differ in what they plan; this differs in its numbers only.
 */

export interface Policy {
  /** How many jobs run at the same time, at least 1. */
  readonly parallel: number;
}

export interface Queue<Job> {
  /** The first is the wave under way: its jobs that have not started. */
  readonly waves: readonly (readonly Job[])[];
  readonly running: number;
}

/** The queue afterwards, and the jobs to start now. */
export type QueueStep<Job> = readonly [Queue<Job>, readonly Job[]];

export function startQueue<Job>(waves: readonly (readonly Job[])[], policy: Policy): QueueStep<Job> {
  return fill({ waves, running: 0 }, policy);
}

/** One of the running jobs has ended. */
export function jobEnded<Job>(queue: Queue<Job>, policy: Policy): QueueStep<Job> {
  return fill({ ...queue, running: queue.running - 1 }, policy);
}

function fill<Job>({ waves, running }: Queue<Job>, policy: Policy): QueueStep<Job> {
  const [wave = [], ...later] = waves;
  // The next wave waits for the end of this one.
  if (wave.length === 0 && running === 0 && later.length > 0) return fill({ waves: later, running }, policy);
  const places = Math.max(0, policy.parallel - running);
  const starting = wave.slice(0, places);
  return [{ waves: [wave.slice(places), ...later], running: running + starting.length }, starting];
}

/** Runs every job, in the order that the policy allows. Rejects with the first rejection, when all that run have ended. */
export function execute<Job>(
  waves: readonly (readonly Job[])[],
  policy: Policy,
  runJob: (job: Job) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const failures: unknown[] = [];
    let queue: Queue<Job>;
    const take = ([next, starting]: QueueStep<Job>): void => {
      queue = next;
      for (const job of starting) {
        void runJob(job)
          .catch((error: unknown) => void failures.push(error))
          .then(() => take(failures.length === 0 ? jobEnded(queue, policy) : stopped(queue)));
      }
      if (queue.running > 0) return;
      if (failures.length > 0) reject(failures[0]);
      else resolve();
    };
    take(startQueue(waves, policy));
  });
}

/** A job that rejects is a mistake in otarc: nothing more starts. */
function stopped<Job>({ running }: Queue<Job>): QueueStep<Job> {
  return [{ waves: [], running: running - 1 }, []];
}
