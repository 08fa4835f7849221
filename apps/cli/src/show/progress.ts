import { styleOfStatus } from './status-style.js';
import type { EventDocument } from './task-document.js';
import { harmlessLine, paint, type Terminal } from './terminal.js';
import { showCount, showDuration } from './units.js';

/** The line that a watcher sees for an event; undefined for one that says nothing new. */
export function progressLine(event: EventDocument, terminal: Terminal): string | undefined {
  const told = tell(event);
  if (!told) return undefined;
  const time = paint(terminal, 'dim', clock(event.time));
  const { mark, style } = marks[told.mood];
  return `${time}  ${paint(terminal, style, mark)} ${told.text}`;
}

/** What the live log adds: troubles that no event tells. Undefined for everything else. */
export function troubleLine(line: Readonly<Record<string, unknown>>, terminal: Terminal): string | undefined {
  const isTrouble = line.level === 'warn' || line.level === 'error';
  // Failed stages and tasks come as events as well.
  if (!isTrouble || typeof line.msg !== 'string' || line.stage !== undefined || line.msg === 'task failed') {
    return undefined;
  }
  const reason = typeof line.reason === 'string' ? `: ${line.reason}` : '';
  const time = typeof line.time === 'string' ? line.time : null;
  return `${paint(terminal, 'dim', clock(time))}  ${paint(terminal, 'yellow', '!')} ${harmlessLine(line.msg + reason)}`;
}

type Mood = 'good' | 'bad' | 'plain' | 'warn';

interface Told {
  readonly mood: Mood;
  readonly text: string;
}

const marks = {
  good: { mark: '✓', style: styleOfStatus('ok') ?? 'reset' },
  bad: { mark: '✗', style: styleOfStatus('fail') ?? 'reset' },
  warn: { mark: '!', style: styleOfStatus('warn') ?? 'reset' },
  plain: { mark: '·', style: 'dim' },
} as const;

function tell({ type, data, attempt, run }: EventDocument): Told | undefined {
  switch (type) {
    case 'TaskClaimed': {
      const runner = text(data.runner_id);
      return plain(`run ${run}, attempt ${attempt}${runner && `, runner ${runner}`}`);
    }
    case 'TaskParked':
      return warn(`waits: ${text(data.reason) || 'not ready yet'}`);
    case 'TaskReady':
      return plain('ready');
    case 'StageEnded':
      return tellStage(data);
    case 'RoundEnded':
      return tellRound(data);
    case 'CommitDecided':
      return plain(`commit ${text(data.commit).slice(0, 12)}`);
    case 'BranchPushed':
      return plain(`pushed ${text(data.branch)}`.trimEnd());
    case 'LeaseExpired':
      return warn('the runner was lost; another one goes on');
    case 'LeaseReleased':
      return warn(`given back: ${text(data.reason) || 'another runner goes on'}`);
    case 'CancelRequested':
      return warn(`cancel requested: ${text(data.reason)}`);
    case 'TaskRefused':
      return { mood: 'bad', text: `refused as ${text(data.code)}: ${text(data.message)}` };
    default:
      // The start of a stage is told by its end, and the end of the task by its result.
      return undefined;
  }
}

function tellStage(data: EventDocument['data']): Told {
  const name = text(data.stage).padEnd(18);
  const time = typeof data.duration_ms === 'number' ? showDuration(data.duration_ms).padStart(9) : '';
  const facts = `${name}${time}${tokensOf(data)}`;
  if (text(data.code) === '') return { mood: 'good', text: facts };
  return { mood: 'bad', text: `${facts}  ${text(data.code)}: ${text(data.message)}` };
}

function tellRound(data: EventDocument['data']): Told {
  const round = typeof data.round === 'number' ? `round ${data.round}` : 'round';
  const outcome = text(data.outcome);
  const reason = text(data.reason);
  const line = `${round}: ${outcome}${reason && ` (${reason})`}${tokensOf(data)}`;
  return outcome === 'passed' ? plain(line) : warn(line);
}

function tokensOf(data: EventDocument['data']): string {
  const { input_tokens: input, output_tokens: output } = data;
  if (typeof input !== 'number' || typeof output !== 'number') return '';
  return `  ${showCount(input)} tokens in, ${showCount(output)} out`;
}

function plain(line: string): Told {
  return { mood: 'plain', text: line };
}

function warn(line: string): Told {
  return { mood: 'warn', text: line };
}

function text(value: unknown): string {
  return typeof value === 'string' ? harmlessLine(value) : '';
}

/** The time of day where the user is. */
function clock(time: string | null): string {
  return (time === null ? new Date() : new Date(time)).toTimeString().slice(0, 8);
}
