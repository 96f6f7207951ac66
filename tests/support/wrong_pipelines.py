"""Wrong pipelines, each with the place and the sentence that it is refused with."""

# Below `name` and `documents`.
TOP = {
    "a key of the top": (
        "intoo: x\nsteps: [summarize: ]\n",
        "3:1: intoo: unknown key; did you mean into?",
    ),
    "a key of split": (
        "split: {lables: {a: b}}\nsteps: [summarize: ]\n",
        "3:9: split.lables: unknown key; did you mean labels?",
    ),
    "split that is neither": (
        "split: maybe\nsteps: [summarize: ]\n",
        "3:1: split: must be true or false or a mapping, not 'maybe'",
    ),
    "what becomes of those that are gone": (
        "gone: delete\nsteps: [summarize: ]\n",
        "3:1: gone: must be 'keep', 'mark' or 'remove', not 'delete'",
    ),
    "a step that is called as what divides files": (
        "split: true\nsteps: [summarize: {id: split}]\n",
        "4:21: steps[0].summarize.id: 'split' is what divides files: give the step another `id`",
    ),
    "a key of limits": (
        "limits: {concurency: 3}\nsteps: [summarize: ]\n",
        "3:10: limits.concurency: unknown key; did you mean concurrency?",
    ),
    "a key of into": (
        "into: {url: 'sqlite:///x.db', tabel: t}\nsteps: [summarize: ]\n",
        "3:31: into.tabel: unknown key; did you mean table?",
    ),
    "a key of the endpoint": (
        "endpoint:\n  base_url: https://h/v1\n  api_key: sk-1\nsteps: [summarize: ]\n",
        "5:3: endpoint.api_key: unknown key; did you mean api_key_env?",
    ),
    "a key of the prices": (
        "endpoint:\n  base_url: https://h/v1\n  prices: {input: 1, output: 2, ouput: 2}\n"
        "steps: [summarize: ]\n",
        "5:33: endpoint.prices.ouput: unknown key; did you mean output?",
    ),
    "no steps": ("model: m\n", "1:1: steps: is missing"),
    "steps without one": ("steps: []\n", "3:1: steps: must have at least 1, not 0"),
    "steps as a mapping": (
        "steps: {summarize: }\n",
        "3:1: steps: must be a list, not {'summarize': None}",
    ),
    "limits as a number": ("limits: 3\nsteps: [summarize: ]\n", "3:1: limits: must be a mapping, not 3"),
    "a duplicate key": ("name: q\nsteps: [summarize: ]\n", '3:1: duplicate key "name"'),
    "a mistyped endpoint": (
        "endpoint: locl\nsteps: [summarize: ]\n",
        "3:1: endpoint: 'locl' is no URL and no endpoint's name; did you mean local?",
    ),
    "an endpoint of another protocol": (
        "endpoint: ftp://h/v1\nsteps: [summarize: ]\n",
        "3:1: endpoint: must be a URL with https:// in front, such as https://api.302.ai/v1",
    ),
    "plain http in a URL": (
        "endpoint: http://example.com/v1\nsteps: [summarize: ]\n",
        "3:1: endpoint: plain http to example.com would send documents and the key unencrypted: "
        "use https, or say allow_http: true",
    ),
    "plain http in a mapping": (
        "endpoint: {base_url: 'http://example.com/v1'}\nsteps: [summarize: ]\n",
        "3:1: endpoint: plain http to example.com would send documents and the key unencrypted: "
        "use https, or say allow_http: true",
    ),
    "a key where its variable belongs": (
        "endpoint: {base_url: 'https://h/v1', api_key_env: sk-1}\nsteps: [summarize: ]\n",
        "3:38: endpoint.api_key_env: must be the name of an environment variable that begins with DOCMILL_, "
        "such as DOCMILL_API_KEY, and never the key itself",
    ),
    "one table for two schemas": (
        "into: {url: 'sqlite:///x.db', table: t}\nsteps:\n"
        "  - classify: {labels: {a: x, b: y}}\n"
        "  - extract: {by: classify, schemas: {a: thing, b: other}}\n",
        "3:31: into.table: one table takes one schema, and the pipeline has 2",
    ),
    "a table of docmill's": (
        "into: {url: 'sqlite:///x.db', table: docmill_runs}\nsteps: [extract: {schema: thing}]\n",
        "3:31: into.table: 'docmill_runs' is one of docmill's own tables: name another",
    ),
    "a table of more than 63 bytes": (
        f"into: {{url: 'sqlite:///x.db', table: {'ä' * 32}}}\nsteps: [extract: {{schema: thing}}]\n",
        f"3:31: into.table: '{'ä' * 32}' has more than 63 bytes",
    ),
    "a key that is a column already": (
        "into: {url: 'sqlite:///x.db', table: t, key: run_id}\nsteps: [extract: {schema: thing}]\n",
        "3:41: into.key: 'run_id' is the name of a column that every table has: name another",
    ),
    "a key that is a property": (
        "into: {url: 'sqlite:///x.db', table: t, key: Name}\nsteps: [extract: {schema: thing}]\n",
        "3:41: into.key: 'Name' is a property of the schema 'thing' too: name another column",
    ),
}
# What stands in line 3, and where the refusal points.
PASSWORDS = {
    "into: postgresql://u:secret@h/db": "3:1: into",
    "into: {url: 'postgresql://u:secret@h/db'}": "3:8: into.url",
    "into: {url: 'postgresql://u:sec#ret@h/db'}": "3:8: into.url",  # urlsplit sees a fragment
    "into: {url: 'postgresql://u:sec/ret?@h/db'}": "3:8: into.url",
    "into: postgresql://h/db?user=u&password=secret": "3:1: into",
    "into: postgresql://u:${A}secret${B}@h/db": "3:1: into",
    "rows: {url: 'postgresql://u:secret@h/db', query: q, key: k, text: t}": "3:8: rows.url",
    "endpoint: https://u:secret@h/v1": "3:1: endpoint",
    "endpoint: {base_url: 'https://u:secret@h/v1'}": "3:12: endpoint.base_url",
    "notify: {url: 'https://u:secret@h/hook'}": "3:10: notify.url",
    "notify: {url: '${DOCMILL_SCHEME}://u:secret@h/hook'}": "3:10: notify.url",
}
CLASSIFY = "  - classify: {labels: {a: the first, b: the second}}\n"
RING = " (a step without `needs` waits for the one above)"
# Below `name`, `documents` and `steps:`.
STEPS = {
    "a cycle through needs": (
        "  - summarize: {needs: [classify]}\n" + CLASSIFY,
        "5:5: steps[1].classify: the steps wait for each other: "
        "summarize -> classify -> summarize (a step without `needs` waits for the one above)",
    ),
    "a cycle through input": (
        "  - summarize: {input: tags, needs: []}\n"
        "  - classify: {id: tags, needs: [], input: summarize, labels: {a: x, b: y}}\n",
        "5:5: steps[1].classify: the steps wait for each other: summarize -> tags -> summarize" + RING,
    ),
    "a cycle through when": (
        "  - summarize: {when: {classify: a}}\n" + CLASSIFY,
        "5:5: steps[1].classify: the steps wait for each other: summarize -> classify -> summarize" + RING,
    ),
    "a cycle through by": (
        "  - extract: {by: classify, schemas: {a: thing}}\n" + CLASSIFY,
        "5:5: steps[1].classify: the steps wait for each other: extract -> classify -> extract" + RING,
    ),
    "a step that needs itself": (
        "  - summarize: {needs: [summarize]}\n",
        "4:5: steps[0].summarize: the steps wait for each other: summarize -> summarize" + RING,
    ),
    "an unknown step in needs": (
        CLASSIFY + "  - summarize: {needs: [classify, clasify]}\n",
        "5:35: steps[1].summarize.needs[1]: there is no step 'clasify'; did you mean classify?",
    ),
    "an unknown step in input": (
        "  - summarize: {input: documnet}\n",
        "4:17: steps[0].summarize.input: there is no step 'documnet'; did you mean document?",
    ),
    "an unknown step in when": (
        CLASSIFY + "  - summarize: {when: {clasify: a}}\n",
        "5:24: steps[1].summarize.when.clasify: there is no step 'clasify'; did you mean classify?",
    ),
    "an unknown step in by": (
        CLASSIFY + "  - extract: {by: sorting, schemas: {a: thing}}\n",
        "5:15: steps[1].extract.by: there is no step 'sorting'; known: classify, extract",
    ),
    "by of no classify step": (
        "  - summarize:\n  - extract: {by: summarize, schemas: {a: thing}}\n",
        "5:15: steps[1].extract.by: 'summarize' is no classify step, so it chooses no label",
    ),
    "when of no classify step": (
        "  - summarize:\n  - extract: {when: {summarize: a}, schema: thing}\n",
        "5:22: steps[1].extract.when.summarize: 'summarize' is no classify step, so it chooses no label",
    ),
    "an undeclared label in when": (
        CLASSIFY + "  - summarize: {when: {classify: [a, c]}}\n",
        "5:24: steps[1].summarize.when.classify: 'classify' has no label 'c'; known: a, b",
    ),
    "an undeclared label in schemas": (
        CLASSIFY + "  - extract:\n      by: classify\n      schemas: {a: thing, bb: other}\n",
        "7:27: steps[1].extract.schemas.bb: 'classify' has no label 'bb'; did you mean b?",
    ),
    "a key of a step's options": (
        "  - summarize:\n      max_word: 60\n",
        "5:7: steps[0].summarize.max_word: unknown key; did you mean max_words?",
    ),
    "a key of a label": (
        "  - classify:\n      labels:\n        a: {descripton: x}\n        b: y\n",
        "6:13: steps[0].classify.labels.a.descripton: unknown key; did you mean description?",
    ),
    "votes on a summary": (
        "  - summarize: {votes: 3}\n",
        "4:5: steps[0].summarize: votes: no two summaries are alike: labels and records have votes",
    ),
    "votes on a text": (
        "  - ask: {prompt: Why?, votes: 3}\n",
        "4:5: steps[0].ask: votes: answers in text are not reviewed: give it a schema",
    ),
    "an unknown kind of step": (
        "  - sumarize: {max_words: 60}\n",
        "4:5: steps[0].sumarize: unknown kind of step; did you mean summarize?",
    ),
    "a kind without a colon": (
        "  - summarize\n",
        "4:5: steps[0]: must be `KIND: {…}` with KIND one of summarize, classify, extract, ask, "
        'not "summarize"',
    ),
    "two kinds in one step": (
        "  - summarize:\n    classify: {labels: {a: x, b: y}}\n",
        "4:5: steps[0]: one step has one kind, not summarize, classify: indent its options",
    ),
    "options at the height of their kind": (
        "  - summarize:\n    max_words: 60\n",
        "4:5: steps[0]: one step has one kind, not summarize, max_words: indent its options",
    ),
    "a duplicate key in options": (
        "  - summarize: {max_words: 3, max_words: 4}\n",
        '4:31: duplicate key "max_words"',
    ),
    "text for a number": (
        "  - summarize: {max_words: many}\n",
        "4:17: steps[0].summarize.max_words: must be a whole number, not 'many'",
    ),
    "true for a whole number": (
        "  - summarize: {max_words: true}\n",
        "4:17: steps[0].summarize.max_words: must be a whole number, not True",
    ),
    "a fraction for a whole number": (
        "  - summarize: {max_words: 1.5}\n",
        "4:17: steps[0].summarize.max_words: must be a whole number, not 1.5",
    ),
    "a number that is too small": (
        "  - summarize: {max_tokens: 0}\n",
        "4:17: steps[0].summarize.max_tokens: must be greater than 0, not 0",
    ),
    "a label that is no text": (
        "  - classify: {labels: {1: x, b: y}}\n",
        "4:25: steps[0].classify.labels[1]: the key must be text: put it in quotes",
    ),
    "one label": (
        "  - classify: {labels: {a: x}}\n",
        "4:16: steps[0].classify.labels: must have at least 2, not 1",
    ),
    "no labels": ("  - classify: {}\n", "4:5: steps[0].classify.labels: is missing"),
    "no options where some are needed": (
        "  - classify:\n",
        "4:5: steps[0].classify: must be a mapping, not None",
    ),
    "an extract step without a schema": (
        "  - extract: {}\n",
        "4:5: steps[0].extract: give either `schema: NAME`, or `by: STEP` with `schemas: {label: NAME}`",
    ),
    "an extract step with both": (
        CLASSIFY + "  - extract: {schema: thing, by: classify, schemas: {a: thing}}\n",
        "5:5: steps[1].extract: give either `schema: NAME`, or `by: STEP` with `schemas: {label: NAME}`",
    ),
    "a step called document": (
        "  - summarize: {id: document}\n",
        "4:17: steps[0].summarize.id: 'document' means the document itself: give the step another `id`",
    ),
    "an id that is none": (
        "  - summarize: {id: A b}\n",
        "4:17: steps[0].summarize.id: must be a name of small letters, digits, - and _ behind a letter, "
        "such as labels-2, not 'A b'",
    ),
    "one id twice": (
        "  - summarize:\n  - summarize:\n",
        "5:5: steps[1].summarize: a step above has the id 'summarize' already: give this one another `id`",
    ),
    "parameters that docmill sets": (
        "  - summarize: {params: {model: x, max_tokens: 3}}\n",
        "4:5: steps[0].summarize: params must not hold max_tokens, model: docmill sets it itself",
    ),
    "a parameter that JSON cannot hold exactly": (
        "  - summarize: {params: {seed: 99999999999999999999}}\n",
        "4:26: steps[0].summarize.params.seed: cannot be sent as JSON: "
        "99999999999999999999 exceeds safe integer domain for JSON floats",
    ),
    "a schema without a file": (
        "  - extract: {schema: thnig}\n",
        "4:15: steps[0].extract.schema: there is no tool schema 'thnig' in schemas/tools, schemas or "
        "docmill's own; did you mean thing?",
    ),
    "a schema's path without a file": (
        "  - extract: {schema: schemas/tools/thnig.json}\n",
        "4:15: steps[0].extract.schema: there is no tool schema 'schemas/tools/thnig.json'; "
        "did you mean schemas/tools/thing.json?",
    ),
    "a schema's path in another folder": (
        "  - extract: {schema: thnig.json}\n",
        "4:15: steps[0].extract.schema: there is no tool schema 'thnig.json'; "
        "did you mean schemas/tools/thing.json?",
    ),
    "a line that is indented too little": (
        "  - summarize: {}\n - summarize: {id: b}\n",
        "5:2: the indentation is wrong: this line begins in another column than the lines it belongs with",
    ),
    "a line that is indented too far": (
        "  - summarize:\n      id: a\n       max_words: 3\n",
        "6:17: a colon stands where no key can: the line is indented too far, or a text with a colon needs "
        "quotes",
    ),
    "a schema without a name": (
        "  - extract: {schema: ''}\n",
        "4:15: steps[0].extract.schema: there is no tool schema '' in schemas/tools, schemas or "
        "docmill's own; known: other, thing, contract, invoice, press_release, resume, "
        "supplier_invoice, support_request",
    ),
    "a schema with a remote $ref": (
        "  - extract: {schema: bad/remote.json}\n",
        "4:15: steps[0].extract.schema: the tool schema is wrong:\n"
        "bad/remote.json:1: /parameters/properties/a: $ref 'https://example.com/a' leads out of the file "
        "and is never fetched: copy it into $defs",
    ),
    "a schema that is not JSON": (
        "  - extract: {schema: bad/broken.json}\n",
        "4:15: steps[0].extract.schema: the tool schema is wrong:\n"
        "bad/broken.json:2:16: not JSON: Expecting ':' delimiter",
    ),
    "a property named like a fixed column": (
        "  - extract: {schema: bad/fixed.json}\n",
        "4:15: steps[0].extract.schema: the tool schema is wrong:\n"
        "bad/fixed.json:1: /parameters/properties/Run_ID: "
        "'Run_ID' is the name of a column that every table has: rename it",
    ),
    "properties that differ in case alone": (
        "  - extract: {schema: bad/case.json}\n",
        "4:15: steps[0].extract.schema: the tool schema is wrong:\n"
        "bad/case.json:1: /parameters/properties/aB: 'aB' is the name of property 'Ab', but for case: "
        "rename it",
    ),
    "a property of more than 63 bytes": (
        "  - extract: {schema: bad/long.json}\n",
        "4:15: steps[0].extract.schema: the tool schema is wrong:\n"
        f"bad/long.json:1: /parameters/properties/{'ä' * 32}: a column's name has 1 to 63 bytes, not 64",
    ),
    "a table of more than 63 bytes": (
        f"  - extract: {{schema: {'x' * 61}}}\n",
        f"4:15: steps[0].extract.schema: the table's name 'p__{'x' * 61}' has more than 63 bytes: "
        "shorten the schema's",
    ),
    "one schema in two steps": (
        "  - extract: {schema: thing}\n  - extract: {id: again, schema: schemas/tools/thing.json}\n",
        "5:26: steps[1].extract.schema: the schema 'schemas/tools/thing.json' is another step's already: "
        "copy its file under another name",
    ),
    "two schemas of one table": (
        "  - extract: {schema: thing}\n  - extract: {id: again, schema: bad/thing.json}\n",
        "5:26: steps[1].extract.schema: 'bad/thing.json' and 'schemas/tools/thing.json' would share "
        "the table 'p__thing': rename one",
    ),
    "two schemas of one table but for case": (
        "  - extract: {schema: thing}\n  - extract: {id: again, schema: bad/Thing.json}\n",
        "5:26: steps[1].extract.schema: 'bad/Thing.json' and 'schemas/tools/thing.json' would share "
        "the table 'p__Thing': rename one",
    ),
    "parts of no long text": (
        "  - classify: {labels: {a: x, b: y}, parts: 3}\n",
        "4:5: steps[0].classify: parts: says how many parts of a long text are asked: add `long: parts`",
    ),
    "a tag": (
        "  - summarize: !!python/object:os.system {}\n",
        "4:16: the tag !!python/object:os.system is not taken: write plain YAML",
    ),
    "an alias within itself": (
        "  - summarize: &a {params: *a}\n",
        "4:16: an alias stands within its own anchor",
    ),
    "an alias of nothing": ("  - summarize: *a\n", "4:16: not YAML: found undefined alias 'a'"),
    "no number": ("  - summarize: {params: {temperature: .nan}}\n", "4:39: .nan is no number"),
    "an infinite number": ("  - summarize: {params: {temperature: 1e999}}\n", "4:39: 1e999 is no number"),
    "a tab": ("\t- summarize:\n", "4:1: a tab stands where only spaces may: indent with spaces"),
    "a second document": (
        "  - summarize:\n---\nname: q\n",
        "5:1: not YAML: expected a single document in the stream but found another document",
    ),
    "a bracket too few": (
        "  - summarize: {id: x\n",
        "5:1: a { that is not closed by }, or a comma is missing within it",
    ),
}
# Whole files.
FILES = {
    "an empty file": ("", "1:1: the file is empty: a pipeline has name, steps, and documents or rows"),
    "comments alone": (
        "# later\n",
        "1:1: the file is empty: a pipeline has name, steps, and documents or rows",
    ),
    "a list": (
        "- a\n",
        '1:1: must be a mapping, not ["a"]: a pipeline has name, steps, and documents or rows',
    ),
    "no name": ("documents: x\nsteps: [summarize: ]\n", "1:1: name: is missing"),
    "no source": ("name: p\nsteps: [summarize: ]\n", "1:1: give either `documents` or `rows`"),
    "two sources": (
        "name: p\ndocuments: x\nrows: {url: u, query: q, key: k, text: t}\nsteps: [summarize: ]\n",
        "1:1: give either `documents` or `rows`",
    ),
    "a key of rows": (
        "name: p\nrows: {url: u, query: q, key: k, txt: t, text: t}\nsteps: [summarize: ]\n",
        "2:34: rows.txt: unknown key; did you mean text?",
    ),
    "rows without a key": (
        "name: p\nrows: {url: u, query: q, text: t}\nsteps: [summarize: ]\n",
        "2:1: rows.key: is missing",
    ),
    "rows of two sources": (
        "name: p\nrows: {url: u, files: f.csv, query: q, key: k, text: t}\nsteps: [summarize: ]\n",
        "2:1: rows: give either `url` or `files`",
    ),
    "rows of a database without a query": (
        "name: p\nrows: {url: u, key: k, text: t}\nsteps: [summarize: ]\n",
        "2:1: rows: a `url` needs a `query`",
    ),
    "rows without a text": (
        "name: p\nrows: {files: f.csv, key: k}\nsteps: [summarize: ]\n",
        "2:1: rows: give `text`, or `document`, or both",
    ),
    "a webhook that is no URL": (
        "name: p\ndocuments: x\nnotify: {url: hooks.example}\nsteps: [summarize: ]\n",
        "3:10: notify.url: must be a URL with https:// in front, such as https://api.302.ai/v1",
    ),
    "rows as a text": (
        "name: p\nrows: tickets\nsteps: [summarize: ]\n",
        "2:1: rows: must be a mapping, not 'tickets'",
    ),
    "rows of an empty query": (
        "name: p\nrows: {url: u, query: '', key: k, text: t}\nsteps: [summarize: ]\n",
        "2:16: rows.query: must not be empty",
    ),
    "a wrong name": (
        "name: My pipeline\ndocuments: x\nsteps: [summarize: ]\n",
        "1:1: name: must be a name of small letters, digits and -, such as inbox-2, not 'My pipeline'",
    ),
    "a name that makes a table of docmill's": (
        "name: docmill\ndocuments: x\nsteps: [extract: {schema: thing}]\n",
        "3:19: steps[0].extract.schema: the table 'docmill__thing' would be one of docmill's own: "
        "give the pipeline another name",
    ),
    "documents as a number": (
        "name: p\ndocuments: 3\nsteps: [summarize: ]\n",
        "2:1: documents: must be text or a list, not 3",
    ),
}
