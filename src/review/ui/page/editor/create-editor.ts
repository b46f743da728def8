import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, setDiagnostics } from '@codemirror/lint';
import { getChunks, unifiedMergeView } from '@codemirror/merge';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { nodeAt, parseJsonTree } from '../payload/json-tree.ts';

export interface EditorOptions {
  readonly text: string;
  /** What the text is compared with; null where there is nothing to compare. */
  readonly original: string | null;
  readonly label: string;
  readonly dark: boolean;
  readonly onchange: (text: string) => void;
  readonly onsave: () => void;
}

export interface Editor {
  setDark(dark: boolean): void;
  showChanges(shown: boolean): void;
  replaceAll(text: string): void;
  /** Marks what a verdict is about; null takes the mark away. */
  mark(problem: { pointer: string | null; message: string } | null): void;
  destroy(): void;
}

const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.propertyName, color: 'var(--syntax-name)' },
    { tag: tags.string, color: 'var(--syntax-text)' },
    { tag: tags.number, color: 'var(--syntax-number)' },
    { tag: [tags.bool, tags.null], color: 'var(--syntax-word)' },
    { tag: [tags.punctuation, tags.separator, tags.brace, tags.squareBracket], color: 'var(--muted)' },
  ]),
);

const look = (dark: boolean): Extension =>
  EditorView.theme(
    {
      '&': {
        backgroundColor: 'var(--surface)',
        color: 'var(--text)',
        fontSize: '12px',
        minHeight: 'var(--editor-height, 320px)',
        maxHeight: '70vh',
      },
      '&.cm-focused': { outline: 'none' },
      '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px', overflow: 'auto' },
      '.cm-content': { caretColor: 'var(--text)', padding: '8px 0' },
      '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--faint)', border: '0' },
      '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
        backgroundColor: 'var(--accent-soft)',
      },
      '.cm-cursor': { borderLeftColor: 'var(--text)' },
      '&.cm-merge-b .cm-changedLine': { backgroundColor: 'var(--good-soft)' },
      '&.cm-merge-b .cm-changedText': {
        background: 'none',
        textDecoration: 'underline',
        textDecorationColor: 'var(--good)',
        textUnderlineOffset: '3px',
      },
      '.cm-deletedChunk': { backgroundColor: 'var(--bad-soft)', color: 'var(--muted)', paddingLeft: '6px' },
      '.cm-deletedChunk .cm-deletedText': { background: 'none', textDecoration: 'line-through' },
      '.cm-changeGutter': { width: '3px', paddingLeft: '0' },
      '&.cm-merge-b .cm-changedLineGutter': { backgroundColor: 'var(--good)' },
      '.cm-deletedLineGutter': { backgroundColor: 'var(--bad)' },
      // CodeMirror's own mark is an image in a data: URL, which the policy does not let in.
      '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad) 1px', textUnderlineOffset: '3px' },
      '.cm-specialChar': { color: 'var(--bad)' },
      '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--text)' },
      '.cm-tooltip': {
        backgroundColor: 'var(--surface)',
        color: 'var(--text)',
        border: '1px solid var(--line-strong)',
        borderRadius: '6px',
      },
    },
    { dark },
  );

/**
 * An editor of JSON text that changes nothing which a person does not change: line ends stay as they are, numbers are text.
 * It lives in a shadow tree, where its styles are adopted style sheets: those need no exception in the content security policy.
 */
export function createEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const themed = new Compartment();
  const changes = new Compartment();
  const { original } = options;
  const diff = (shown: boolean): Extension =>
    shown && original !== null ? unifiedMergeView({ original, mergeControls: false, gutter: true, syntaxHighlightDeletions: false }) : [];
  const save = () => {
    options.onsave();
    return true;
  };
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        // A text with other line ends must keep them: only "\n" separates lines, and "\r" is a character that is shown.
        EditorState.lineSeparator.of('\n'),
        EditorView.contentAttributes.of({ 'aria-label': options.label, tabindex: '0' }),
        EditorView.lineWrapping,
        lineNumbers(),
        history(),
        drawSelection(),
        highlightSpecialChars(),
        highlightSelectionMatches(),
        bracketMatching(),
        indentOnInput(),
        json(),
        colours,
        keymap.of([{ key: 'Mod-s', run: save, preventDefault: true }, ...defaultKeymap, ...historyKeymap, ...searchKeymap]),
        changes.of(diff(true)),
        themed.of(look(options.dark)),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onchange(update.state.doc.toString());
        }),
      ],
    }),
  });
  // A text that is not the original from the start shows where it differs.
  const first = getChunks(view.state)?.chunks[0];
  if (first) view.dispatch({ effects: EditorView.scrollIntoView(first.fromB, { y: 'center' }) });
  return {
    setDark: (dark) => view.dispatch({ effects: themed.reconfigure(look(dark)) }),
    showChanges: (shown) => view.dispatch({ effects: changes.reconfigure(diff(shown)) }),
    replaceAll: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    mark: (problem) => view.dispatch(setDiagnostics(view.state, problem ? [diagnosticOf(view.state.doc.toString(), problem)] : [])),
    destroy: () => view.destroy(),
  };
}

function diagnosticOf(text: string, { pointer, message }: { pointer: string | null; message: string }): Diagnostic {
  const whole = { from: 0, to: Math.min(1, text.length) };
  let place = whole;
  try {
    const node = nodeAt(parseJsonTree(text), pointer ?? '');
    if (node.name !== null) place = { from: node.nameFrom, to: node.kind === 'object' || node.kind === 'array' ? node.from + 1 : node.to };
  } catch {
    // A text that is no JSON has no places to point to; the message stands beside the editor as well.
    place = whole;
  }
  return { ...place, severity: 'error', message };
}
