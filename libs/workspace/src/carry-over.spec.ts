import { matchEdit } from './match-edit.js';

function edited(text: string, search: string, replace: string): string {
  const found = matchEdit(text, { search, replace });
  if (found.kind !== 'match') throw new Error(found.message);
  return text.slice(0, found.start) + found.replacement + text.slice(found.end);
}

describe('what an edit adds beyond the exact layer', () => {
  it('[AR-3.3] keeps lines of nothing but white space as they were given', () => {
    const text = 'class Collection {\n  \n  first() {\n    return this.items[0]\n  }\n}\n';
    const search = '  \n  first() {\t\n    return this.items[0]\n';
    const replace = '  \n  size() {\n    return 1\n  }\n  \n  first() {\t\n    return this.items[0]\n';
    expect(edited(text, search, replace)).toBe(
      'class Collection {\n  \n  size() {\n    return 1\n  }\n  \n  first() {\n    return this.items[0]\n  }\n}\n',
    );
  });

  it('[AR-3.3] moves them along with the lines around', () => {
    const text = '\tinit() {\n\t\tstart()\n\t\t\n\t\tlisten()\n\t}\n';
    const search = '    init() {\n        start()\n        \n        listen()\n';
    const replace = '    init() {\n        start()\n        \n        warm()\n        \n        listen()\n';
    expect(edited(text, search, replace)).toBe(
      '\tinit() {\n\t\tstart()\n\t\t\n\t\twarm()\n\t\t\n\t\tlisten()\n\t}\n',
    );
  });
});
