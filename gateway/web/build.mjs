// Bundles the dashboard, and makes a C++ source of it.
//
//   node build.mjs [--modules DIR] [--out DIR] [--cc FILE]   bundle into DIR (dist), and FILE with the bytes of it
//   node build.mjs --tests [--modules DIR] [--out DIR]       bundle test/*.test.ts and run them
//   node build.mjs --check [--modules DIR] [--out DIR]       check the types
//
// DIR of --modules holds node_modules; by default it is the folder of this file. Nothing here asks the network.
import {spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {basename, dirname, join, relative, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';

const source = dirname(fileURLToPath(import.meta.url));

function option(name, otherwise) {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : resolve(process.argv[at + 1]);
}

const modules = join(option('--modules', source), 'node_modules');
const out = option('--out', join(source, 'dist'));
const cc = option('--cc', undefined);
const esbuild = createRequire(join(modules, 'x.js'))('esbuild');

const common = {
  absWorkingDir: source,
  bundle: true,
  format: 'esm',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  nodePaths: [modules],
  logLevel: 'warning',
};

// ---- the page

const kContentTypes = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

async function bundle() {
  rmSync(out, {recursive: true, force: true});
  mkdirSync(out, {recursive: true});
  const result = await esbuild.build({
    ...common,
    entryPoints: {app: 'src/main.tsx', style: 'src/style/index.css'},
    outdir: out,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    splitting: true,
    minify: true,
    metafile: true,
    target: ['chrome100', 'firefox100', 'safari15.4'],
    define: {'process.env.NODE_ENV': '"production"'},
  });
  const names = Object.keys(result.metafile.outputs).map((path) => basename(path));
  const find = (stem, extension) => {
    const name = names.find((n) => n.startsWith(stem + '-') && n.endsWith(extension));
    if (!name) throw new Error(`esbuild wrote no ${stem}-*${extension}, only ${names.join(', ')}`);
    return name;
  };
  const html = readFileSync(join(source, 'index.html'), 'utf8')
    .replaceAll('@APP@', find('app', '.js'))
    .replaceAll('@CHARTS@', find('engine', '.js'))
    .replaceAll('@STYLE@', find('style', '.css'));
  writeFileSync(join(out, 'index.html'), html);
  for (const name of ['icon.svg']) writeFileSync(join(out, name), readFileSync(join(source, name)));
  writeFileSync(join(out, 'licenses.txt'), licenses());
}

// What is bundled is made by others: their licences go with it.
function licenses() {
  const parts = [];
  for (const name of ['echarts', 'preact', 'tslib', 'zrender']) {
    const folder = join(modules, name);
    const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    for (const file of readdirSync(folder, {withFileTypes: true})) {
      if (file.isFile() && /^(licen[cs]e|copying|notice)/i.test(file.name)) {
        parts.push(`==== ${name} ${about.version}: ${file.name}\n\n${readFileSync(join(folder, file.name), 'utf8').trim()}\n`);
      }
    }
  }
  return parts.join('\n');
}

// ---- the C++ source

// One literal of octal escapes: compilers read it many times faster than a list of numbers.
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 32) {
    let line = '';
    for (const byte of bytes.subarray(at, at + 32)) line += '\\' + byte.toString(8).padStart(3, '0');
    lines.push(`    "${line}"`);
  }
  return lines.join('\n');
}

function writeSource() {
  const table = [];
  const arrays = [];
  let total = 0;
  for (const name of readdirSync(out).sort()) {
    const extension = name.slice(name.lastIndexOf('.'));
    const type = kContentTypes[extension];
    if (!type) throw new Error(`no content type is known for ${name}`);
    const plain = readFileSync(join(out, name));
    const packed = gzipSync(plain, {level: 9});
    const tag = createHash('sha256').update(plain).digest('hex').slice(0, 16);
    const forever = /-[A-Z0-9]{8}\.(js|css)$/.test(name);
    arrays.push(`constexpr char kFile${table.length}[] =\n${literal(packed)};\n`);
    table.push(`    {"/${name}", "${type}", "\\"${tag}\\"", {kFile${table.length}, ${packed.length}}, ${plain.length}, ${forever}},`);
    if (name !== 'licenses.txt') total += packed.length;
  }
  const text = `// Generated from gateway/web by build.mjs.
#include "gateway/web/assets.h"

namespace carbongate::web {
namespace {

${arrays.join('\n')}
constexpr Asset kAssets[] = {
${table.join('\n')}
};

}  // namespace

std::span<const Asset> assets() {
  return kAssets;
}

}  // namespace carbongate::web
`;
  mkdirSync(dirname(cc), {recursive: true});
  writeFileSync(cc, text);
  console.log(`dashboard: ${table.length} files, ${Math.round(total / 1000)} kB compressed`);
}

// ---- tests and types

async function runTests() {
  const folder = join(out, 'tests');
  rmSync(folder, {recursive: true, force: true});
  const files = readdirSync(join(source, 'test')).filter((name) => name.endsWith('.test.ts')).sort();
  await esbuild.build({
    ...common,
    entryPoints: files.map((name) => join('test', name)),
    outdir: folder,
    outExtension: {'.js': '.mjs'},
    platform: 'node',
    target: 'node18',
    sourcemap: 'inline',
    define: {'SOURCE_FOLDER': JSON.stringify(source)},
  });
  const built = files.map((name) => join(folder, name.replace(/\.ts$/, '.mjs')));
  return spawnSync(process.execPath, ['--enable-source-maps', '--test', ...built], {stdio: 'inherit'}).status ?? 1;
}

// A configuration in the build folder, for the modules may lie there and not beside the sources.
function checkTypes() {
  mkdirSync(out, {recursive: true});
  const here = join(out, 'tsconfig.json');
  const toModules = relative(out, modules);
  writeFileSync(here, JSON.stringify({
    extends: relative(out, join(source, 'tsconfig.json')).replace(/^(?!\.)/, './'),
    compilerOptions: {paths: {'*': [`${toModules.startsWith('.') ? '' : './'}${toModules}/*`, `${toModules.startsWith('.') ? '' : './'}${toModules}/@types/*`]}, typeRoots: [`${toModules.startsWith('.') ? '' : './'}${toModules}/@types`]},
    include: [join(source, 'src'), join(source, 'test')],
  }));
  const tsc = createRequire(join(modules, 'x.js')).resolve('typescript/package.json');
  return spawnSync(process.execPath, [join(dirname(tsc), 'bin', 'tsc'), '--noEmit', '-p', here], {stdio: 'inherit'}).status ?? 1;
}

if (process.argv.includes('--tests')) {
  process.exitCode = await runTests();
} else if (process.argv.includes('--check')) {
  process.exitCode = checkTypes();
} else {
  await bundle();
  if (cc) writeSource();
}
