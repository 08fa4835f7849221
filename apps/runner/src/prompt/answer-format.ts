/** The forms in which a model may be asked to answer; both mean the same. */
export const answerFormats = ['json', 'blocks'] as const;
export type AnswerFormat = (typeof answerFormats)[number];
