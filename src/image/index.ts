/** From a file to an image: what it is, whether it is whole, whether it may go to a device. */

export { roomFor, type PartitionTable } from './partition.ts';
export {
  imageFindings,
  platformFindings,
  refuseByFirst,
  type PreflightFacts,
  type PreflightFinding,
  type PreflightImage,
} from './preflight.ts';
export { awaitImage, readImage, readPartitionTable } from './read.ts';
export { tableBeside } from './table-beside.ts';
