import { importedFiles } from './scan-imports.js';

describe('importedFiles', () => {
  it.each([
    [
      'TypeScript',
      'src/app/main.ts',
      `import { a } from './a.js';\nimport type B from "../lib";\nexport * from './c';\nimport './style.css';\nimport x from 'react';\nconst d = await import('./d.mjs');`,
      ['src/app/a.ts', 'src/lib/index.ts', 'src/app/c.tsx', 'src/app/d.mjs', 'src/app/main.ts'],
      ['src/app/a.ts', 'src/lib/index.ts', 'src/app/c.tsx', 'src/app/d.mjs'],
    ],
    ['CommonJS', 'a.cjs', `const b = require('./b'), fs = require('fs');`, ['b.js', 'fs.js'], ['b.js']],
    [
      'Python',
      'src/app/views.py',
      `import os, app.models\nfrom . import forms\nfrom .util.text import wrap\nfrom ..shared import (thing)\nfrom config import settings\n`,
      [
        'src/app/models.py',
        'src/app/forms.py',
        'src/app/util/text.py',
        'src/shared/__init__.py',
        'config/settings.py',
      ],
      [
        'src/app/models.py',
        'src/app/forms.py',
        'src/app/util/text.py',
        'src/shared/__init__.py',
        'config/settings.py',
      ],
    ],
    [
      'Go',
      'cmd/main.go',
      `package main\nimport "fmt"\nimport (\n\tstore "example.com/m/internal/store"\n\t"net/http"\n)\n`,
      ['internal/store/a.go', 'internal/store/b.go', 'internal/store/a_test.go', 'cmd/main.go'],
      ['internal/store/a.go', 'internal/store/b.go'],
    ],
    [
      'Rust',
      'src/net/mod.rs',
      `mod tcp;\npub(crate) mod udp;\nuse crate::config::Settings;\nuse super::error::Error;\nuse std::io;\n`,
      ['src/net/tcp.rs', 'src/net/udp/mod.rs', 'src/config.rs', 'src/error.rs', 'src/net/mod.rs'],
      ['src/net/tcp.rs', 'src/net/udp/mod.rs', 'src/config.rs', 'src/error.rs'],
    ],
    ['an unknown language', 'a.zig', '@import("b.zig")', ['b.zig'], []],
    ['a path that leaves the repository', 'a.ts', `import '../../etc/passwd';`, ['etc/passwd'], []],
  ])('[AR-3.1] finds the imports of %s', (_language, path, text, files, expected) => {
    expect(importedFiles(path, text, new Set(files))).toEqual(expected);
  });

  it.each(['.ts', '.py', '.go', '.rs'])('[AR-3.1] comes to an end on a hostile %s file', (ending) => {
    for (const piece of ['\n', ' ', 'import (', 'import "', "from '.", 'mod ', 'use crate::', 'pub(']) {
      expect(importedFiles(`a${ending}`, piece.repeat(100_000), new Set(['b.ts']))).toEqual([]);
    }
  });
});
