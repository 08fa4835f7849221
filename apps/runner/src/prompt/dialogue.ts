import { estimateTokens, type ChatMessage } from '@necrocode/llm';

/** What the model is told after an answer, and what stands for it once the conversation grows too long. */
export interface Tell {
  readonly content: string;
  readonly brief: string;
}

/** Ids of the contents of files, by path. */
export type Contents = ReadonlyMap<string, string>;

/** An answer and what was told after it. */
export interface Turn {
  readonly answer: string;
  readonly tell: Tell;
  /** What the answer gives whole and the tell shows. */
  readonly shows: Contents;
}

/** An exchange that a request repeats, by its number from 1; with what it says in fewer words, if it does. */
export type Repeated =
  | number
  | { readonly exchange: number; readonly messages?: readonly ChatMessage[]; readonly answer?: string };

/** All of a request but its system part, which depends on the model that is asked. */
export interface DialogueRequest {
  readonly messages: readonly ChatMessage[];
  /** Those of the messages that are new. */
  readonly asked: readonly ChatMessage[];
  /** What the other messages are. */
  readonly history: readonly Repeated[];
}

/**
 * What was said so far, within a token budget. When it grows past that, what was told after older answers
 * is shortened first, then older answers, then the last one; never the opening nor what was told last.
 */
export class Dialogue {
  private readonly turns: Turn[] = [];

  /**
   * @param shown what the opening shows
   * @param room estimated tokens for everything behind the opening
   */
  constructor(
    private readonly opening: readonly ChatMessage[],
    private readonly shown: Contents,
    private readonly room: number,
  ) {}

  add(turn: Turn): void {
    this.turns.push(turn);
  }

  request(): DialogueRequest {
    const { turns, opening } = this;
    const shortened = shorten(turns, this.room);
    const spoken = turns.map(({ answer, tell }, at) => ({
      answer: shortened.answers.has(at) ? briefAnswer(answer) : answer,
      tell: [{ role: 'user', content: shortened.tells.has(at) ? tell.brief : tell.content }] as const,
    }));
    const history = turns.map((_turn, at): Repeated => {
      const messages = at > 0 && shortened.tells.has(at - 1) ? spoken[at - 1]?.tell : undefined;
      const answer = shortened.answers.has(at) ? spoken[at]?.answer : undefined;
      const exchange = at + 1;
      if (!messages && answer === undefined) return exchange;
      return { exchange, ...(messages && { messages }), ...(answer !== undefined && { answer }) };
    });
    const later = spoken.flatMap(({ answer, tell }) => [
      { role: 'assistant', content: answer } as const,
      ...tell,
    ]);
    return { messages: [...opening, ...later], asked: spoken.at(-1)?.tell ?? opening, history };
  }

  /** The id of the newest content of a file that the model can see; undefined when it sees none. */
  lastShown(path: string): string | undefined {
    const shortened = shorten(this.turns, this.room);
    for (let at = this.turns.length - 1; at >= 0; at -= 1) {
      if (shortened.tells.has(at) || shortened.answers.has(at)) continue;
      const id = this.turns[at]?.shows.get(path);
      if (id !== undefined) return id;
    }
    return this.shown.get(path);
  }
}

interface Shortened {
  readonly tells: ReadonlySet<number>;
  readonly answers: ReadonlySet<number>;
}

/** Which parts of the turns have to be brief for all of them to fit. */
function shorten(turns: readonly Turn[], room: number): Shortened {
  const tells = new Set<number>();
  const answers = new Set<number>();
  let over = -room;
  for (const { answer, tell } of turns) over += estimateTokens(answer) + estimateTokens(tell.content);
  const last = turns.length - 1;
  for (let at = 0; at < last && over > 0; at += 1) over -= saved(turns[at]?.tell, at, tells);
  for (let at = 0; at <= last && over > 0; at += 1) {
    const content = turns[at]?.answer ?? '';
    over -= saved({ content, brief: briefAnswer(content) }, at, answers);
  }
  return { tells, answers };
}

/** Tokens that the brief form saves; none, and it is not taken, where it is no shorter. */
function saved(tell: Tell | undefined, at: number, brief: Set<number>): number {
  const saving = tell ? estimateTokens(tell.content) - estimateTokens(tell.brief) : 0;
  if (saving <= 0) return 0;
  brief.add(at);
  return saving;
}

function briefAnswer(answer: string): string {
  return `(Left out to keep the conversation short: your answer, of about ${estimateTokens(answer)} tokens.)`;
}
