import { fieldName, isRecord, operationName, roleOfValue, unwrapped, type Level } from './answer-words.js';

export type Shaped =
  | { readonly kind: 'shaped'; readonly value: unknown; readonly recovered: readonly string[] }
  | { readonly kind: 'clash'; readonly message: string };

/**
 * Brings a document that is meant as an answer into the contract's form: names, operations, a bare array
 * or a single change, null for what is left out. Adds nothing that the document does not say; what it
 * does not know it leaves for the schema to refuse.
 */
export function shapeAnswer(document: unknown): Shaped {
  const shaper = new Shaper();
  const value = shaper.answer(document);
  const [message] = shaper.clashes;
  return message === undefined
    ? { kind: 'shaped', value, recovered: [...shaper.recovered] }
    : { kind: 'clash', message };
}

class Shaper {
  readonly recovered = new Set<string>();
  readonly clashes: string[] = [];

  answer(document: unknown): unknown {
    const role = roleOfValue(document);
    if (role === 'changes')
      return this.answer(this.put('a bare array of changes', { code_changes: document }));
    if (role === 'change') return this.answer(this.put('a single change', { code_changes: [document] }));
    if (!isRecord(document)) return document;
    const inner = unwrapped(document);
    if (inner) return this.answer(this.put('an object around the answer', inner));
    const answer = this.names('answer', document, '');
    const { code_changes: changes, needs_files: needs, explanation } = answer;
    if (isRecord(changes)) answer['code_changes'] = this.put('code_changes that is no array', [changes]);
    if (typeof needs === 'string') answer['needs_files'] = this.put('needs_files that is no array', [needs]);
    if (explanation !== undefined && typeof explanation !== 'string') {
      answer['explanation'] = this.put('an explanation that is no text', JSON.stringify(explanation));
    }
    if (Array.isArray(answer['code_changes'])) {
      answer['code_changes'] = answer['code_changes'].map((change, index) =>
        this.change(change, `code_changes.${index}`),
      );
    }
    return answer;
  }

  private change(given: unknown, path: string): unknown {
    if (!isRecord(given)) return given;
    const change = this.flatEdit(this.names('change', given, path), path);
    if (typeof change['operation'] === 'string') {
      const operation = operationName(change['operation']);
      if (operation && operation !== change['operation']) {
        change['operation'] = this.put(`the operation ${change['operation']}`, operation);
      }
    } else if (change['operation'] === undefined) {
      // Content alone may mean a new file as well as an old one; these two say what they are.
      const meant =
        change['new_path'] !== undefined ? 'rename' : change['edits'] !== undefined ? 'modify' : undefined;
      if (meant) change['operation'] = this.put('a change without operation', meant);
    }
    this.dropEmpty(change);
    if (isRecord(change['edits'])) change['edits'] = this.put('edits that is no array', [change['edits']]);
    if (Array.isArray(change['edits'])) {
      change['edits'] = change['edits'].map((edit: unknown, index) =>
        isRecord(edit) ? this.names('edit', edit, `${path}.edits.${index}`) : edit,
      );
    }
    if (typeof change['encoding'] === 'string') change['encoding'] = this.encoding(change['encoding']);
    return change;
  }

  /** `search` and `replace` on the change itself are its one edit. */
  private flatEdit(change: Record<string, unknown>, path: string): Record<string, unknown> {
    const flat = Object.keys(change).filter(
      (key) => fieldName('change', key) === undefined && fieldName('edit', key) !== undefined,
    );
    if (flat.length !== 2 || change['edits'] !== undefined) return change;
    const edit = this.names('edit', Object.fromEntries(flat.map((key) => [key, change[key]])), path);
    if (edit['search'] === undefined || edit['replace'] === undefined) return change;
    const rest = Object.entries(change).filter(([key]) => !flat.includes(key));
    return Object.fromEntries([...rest, ['edits', this.put('search and replace beside the path', [edit])]]);
  }

  /** Fields that a model fills only because the schema names them. */
  private dropEmpty(change: Record<string, unknown>): void {
    const { operation } = change;
    const without: Readonly<Record<string, readonly string[]>> = {
      create: ['new_path', 'edits'],
      modify: ['new_path', 'edits'],
      rename: ['edits'],
      delete: ['new_path', 'edits', 'content', 'encoding', 'executable'],
    };
    const optional =
      typeof operation === 'string' && Object.hasOwn(without, operation) ? without[operation] : [];
    for (const field of optional ?? []) {
      const value = change[field];
      const empty = value === '' || (Array.isArray(value) && value.length === 0);
      if (!empty && !(operation === 'delete' && (field === 'encoding' || field === 'executable'))) continue;
      if (value === undefined) continue;
      delete change[field];
      this.recovered.add(`an empty ${field}`);
    }
  }

  private encoding(value: string): string {
    const plain = value.toLowerCase();
    const meant = plain === 'utf8' ? 'utf-8' : plain;
    const known = meant === 'utf-8' || meant === 'base64';
    return known && meant !== value ? this.put(`the encoding ${value}`, meant) : value;
  }

  /** The names of the contract; what is null is left out. */
  private names(
    level: Level,
    given: Readonly<Record<string, unknown>>,
    path: string,
  ): Record<string, unknown> {
    const named = new Map<string, unknown>();
    for (const [key, value] of Object.entries(given)) {
      const name = fieldName(level, key) ?? key;
      if (name !== key) this.recovered.add(`the name ${key}`);
      if (value === null && isOptional(name)) {
        this.recovered.add(`a null ${name}`);
        continue;
      }
      if (named.has(name))
        this.clashes.push(`${path === '' ? '' : `${path}.`}${name} is given twice (also as ${key})`);
      named.set(name, value);
    }
    return Object.fromEntries(named);
  }

  private put<T>(what: string, value: T): T {
    this.recovered.add(what);
    return value;
  }
}

const optionalFields = new Set([
  'needs_files',
  'explanation',
  'content',
  'edits',
  'new_path',
  'executable',
  'encoding',
]);

function isOptional(name: string): boolean {
  return optionalFields.has(name);
}
