/** Nothing secret in what is written: secrets by their values in every spelling, tokens by their form. */
export { createMask, tooShort, type Mask } from './create-mask.js';
export { MaskStream } from './mask-stream.js';
export { findTokens, type Token } from './token-finder.js';
export { replacement as maskReplacement } from './spans.js';
