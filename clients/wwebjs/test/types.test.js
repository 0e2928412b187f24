'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');

const ts = require('typescript');

const { all } = require('../src/not-supported');

const root = path.join(__dirname, '..');
const types = path.join(root, 'index.d.ts');
const configured = ts.getParsedCommandLineOfConfigFile(path.join(__dirname, 'types', 'tsconfig.json'), {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: assert.fail });
const program = ts.createProgram(configured.fileNames, configured.options);

test('a TypeScript program compiles with the types', () => {
    for (const name of [types, ...configured.fileNames]) {
        const file = program.getSourceFile(name);
        const said = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
        assert.equal(ts.formatDiagnostics(said, ts.createCompilerHost({})), '');
    }
});

test('the types have what the package has, and no more', async () => {
    const checker = program.getTypeChecker();
    const named = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(types)));
    const values = named.filter((one) => one.flags & ts.SymbolFlags.Value).map((one) => one.name).sort();
    assert.deepEqual(values, Object.keys(require('..')).sort());
    const { default: whole, ...esm } = await import('../index.mjs');
    assert.deepEqual(Object.keys(esm).sort(), Object.keys(whole).sort());
});

test('the types mark what throws NotSupported, and nothing else', () => {
    const checker = program.getTypeChecker();
    const classes = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(types)));
    for (const made of classes.filter((one) => one.flags & ts.SymbolFlags.Class)) {
        const marked = [...made.members.values()].filter((one) => one.getJsDocTags().some((tag) => tag.name === 'deprecated')).map((one) => one.name);
        const wanted = Object.keys(all[made.name] ?? (made.name === 'ClientInfo' ? { getBatteryStatus: 1 } : {}));
        assert.deepEqual(marked.sort(), wanted.sort(), made.name);
    }
});
