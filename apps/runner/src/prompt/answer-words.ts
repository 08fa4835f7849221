/**
 * Other names under which models give the fields of an answer. Closed lists: a name that is not here is
 * refused by name. Keys are compared without case, "_", "-" and spaces.
 */
const answerFields: Readonly<Record<string, string>> = {
  codechanges: 'code_changes',
  codechange: 'code_changes',
  changes: 'code_changes',
  needsfiles: 'needs_files',
  needfiles: 'needs_files',
  neededfiles: 'needs_files',
  explanation: 'explanation',
  summary: 'explanation',
  reasoning: 'explanation',
};

const changeFields: Readonly<Record<string, string>> = {
  filepath: 'file_path',
  path: 'file_path',
  file: 'file_path',
  filename: 'file_path',
  operation: 'operation',
  op: 'operation',
  action: 'operation',
  newpath: 'new_path',
  newfilepath: 'new_path',
  newfile: 'new_path',
  destination: 'new_path',
  content: 'content',
  contents: 'content',
  newcontent: 'content',
  edits: 'edits',
  edit: 'edits',
  executable: 'executable',
  encoding: 'encoding',
};

const editFields: Readonly<Record<string, string>> = {
  search: 'search',
  find: 'search',
  old: 'search',
  oldtext: 'search',
  oldstr: 'search',
  oldstring: 'search',
  replace: 'replace',
  replacement: 'replace',
  new: 'replace',
  newtext: 'replace',
  newstr: 'replace',
  newstring: 'replace',
};

const operations: Readonly<Record<string, string>> = {
  create: 'create',
  add: 'create',
  modify: 'modify',
  update: 'modify',
  edit: 'modify',
  change: 'modify',
  delete: 'delete',
  remove: 'delete',
  rename: 'rename',
  move: 'rename',
};

/** An object around the answer that says nothing itself. */
const wrappers = new Set(['answer', 'response', 'result', 'output']);

export type Level = 'answer' | 'change' | 'edit';
const fieldsOf = { answer: answerFields, change: changeFields, edit: editFields };

/** The name of the contract for a key; undefined when the key is not known at this level. */
export function fieldName(level: Level, key: string): string | undefined {
  const fields = fieldsOf[level];
  const plain = plainOf(key);
  return Object.hasOwn(fields, plain) ? fields[plain] : undefined;
}

export function operationName(word: string): string | undefined {
  const plain = plainOf(word);
  return Object.hasOwn(operations, plain) ? operations[plain] : undefined;
}

/** What JSON stands for, going by its outer keys. */
export type Role = 'answer' | 'change' | 'changes' | 'answers' | 'none';

export function roleOfValue(value: unknown): Role {
  if (Array.isArray(value)) return roleOfItems(value);
  if (!isRecord(value)) return 'none';
  return unwrapped(value) ? 'answer' : roleOfKeys(Object.keys(value));
}

/** Answers in an array may have bare changes among them. */
function roleOfItems(items: readonly unknown[]): 'changes' | 'answers' | 'none' {
  const roles = new Set(items.map((item) => (isRecord(item) ? roleOfValue(item) : 'none')));
  if (roles.size === 0 || roles.has('none')) return 'none';
  return roles.has('answer') ? 'answers' : 'changes';
}

export function roleOfKeys(keys: readonly string[]): 'answer' | 'change' | 'none' {
  const asAnswer = keys.map((key) => fieldName('answer', key));
  if (asAnswer.includes('code_changes') || asAnswer.includes('needs_files')) return 'answer';
  const asChange = keys.map((key) => fieldName('change', key));
  const asEdit = keys.map((key) => fieldName('edit', key));
  const does = ['operation', 'new_path', 'content', 'edits'].some((field) => asChange.includes(field));
  return asChange.includes('file_path') && (does || asEdit.includes('search')) ? 'change' : 'none';
}

/** Whether an object is at least the beginning of a change. */
export function namesPath(keys: readonly string[]): boolean {
  return keys.some((key) => fieldName('change', key) === 'file_path');
}

/** The answer inside `{"answer": {…}}`. */
export function unwrapped(value: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  const [only, ...others] = Object.keys(value);
  if (only === undefined || others.length > 0 || !wrappers.has(plainOf(only))) return undefined;
  const inner = value[only];
  return isRecord(inner) && roleOfKeys(Object.keys(inner)) === 'answer' ? inner : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function plainOf(key: string): string {
  return key.length > 40 ? '' : key.replace(/[_\- ]/g, '').toLowerCase();
}
