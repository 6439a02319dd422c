/** From a project to the image that its own build tool makes of it. */

export { build, builtEnvironment, findArtifact } from './build.ts';
export { projectFacts, projectImages, projectUploads } from './facts.ts';
