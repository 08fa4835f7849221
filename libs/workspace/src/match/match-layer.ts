/** How literally the text of an edit was found, from the strictest to the loosest. */
export const matchLayers = ['exact', 'line_endings', 'trailing_space', 'indentation', 'similarity'] as const;
export type MatchLayer = (typeof matchLayers)[number];
