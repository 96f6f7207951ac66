BEGIN TRANSACTION;
CREATE TABLE docmill__tables (
	name TEXT NOT NULL, 
	pipeline TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "docmill__tables" VALUES('earlier__thing','earlier','document_id');
CREATE TABLE docmill_outcomes (
	pipeline TEXT NOT NULL, 
	document_id TEXT NOT NULL, 
	uri TEXT NOT NULL, 
	content_sha256 TEXT, 
	pipeline_sha256 TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	status TEXT NOT NULL, 
	summary TEXT, 
	label TEXT, 
	record JSON, 
	evidence JSON, 
	steps JSON NOT NULL, 
	truncated BOOLEAN NOT NULL, 
	error TEXT, 
	attempts BIGINT NOT NULL, 
	calls BIGINT NOT NULL, 
	cached_calls BIGINT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cost_usd DOUBLE, 
	cost_estimated BOOLEAN NOT NULL, 
	seconds DOUBLE NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (pipeline, document_id)
);
INSERT INTO "docmill_outcomes" VALUES('earlier','in/letter.txt','file:///srv/project/in/letter.txt','bfecf7d347070aa331e9ee6571222d9d39dc6b52ba9da03e55942b643e8a142c','4f39d2df5340040a9c5fbe4bcf208d5a7d4220c3d803388fbbe2acf98d81f719','6e58d07f-d268-448a-9503-468ed190e1b5','done','A short text, 82cfc4c3.','a','{"count": 1, "name": "Example", "on": "2024-01-31"}','[]','{"summarize": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 108, "completion_tokens": 5, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "8ec0d922af97e4f612c438031844e4134a1d29cf983bd9539cadc26fff1658cc", "output": "A short text, 82cfc4c3.", "seconds": 0.08581462000006468}, "classify": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 191, "completion_tokens": 4, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "3d0911499c492e16f24e94ba0022f4750089bf3580cbcad3fbee3070c6de0b51", "output": "a", "seconds": 0.038521290000062436}, "extract": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 211, "completion_tokens": 12, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "87dc3d5f34db9b2ffb08ac46db426be5306c386b10c434753c7a69d4890fdfb2", "output": {"count": 1, "name": "Example", "on": "2024-01-31"}, "seconds": 0.05952599800002645}, "ask": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 96, "completion_tokens": 5, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "4d489166a8cff003e06d7a2c4b399837021beb590c63b32fd725ea9c29092759", "output": "A short text, 42e061e9.", "seconds": 0.029525390000117113}}',0,NULL,4,4,0,606,26,NULL,0,2.46387721000019155326e-01,'2026-11-26 14:14:03.701535');
INSERT INTO "docmill_outcomes" VALUES('earlier','in/note.txt','file:///srv/project/in/note.txt','d74fd143598f3bab9549bcee94abd0eb40c661561b363429b10e559174669288','4f39d2df5340040a9c5fbe4bcf208d5a7d4220c3d803388fbbe2acf98d81f719','6e58d07f-d268-448a-9503-468ed190e1b5','done','A short text, 937adc9d.','a','{"count": 1, "name": "Example", "on": "2024-01-31"}','[]','{"summarize": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 111, "completion_tokens": 5, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "8ec0d922af97e4f612c438031844e4134a1d29cf983bd9539cadc26fff1658cc", "output": "A short text, 937adc9d.", "seconds": 0.07272235999994336}, "classify": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 194, "completion_tokens": 4, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "3d0911499c492e16f24e94ba0022f4750089bf3580cbcad3fbee3070c6de0b51", "output": "a", "seconds": 0.05603278600005979}, "extract": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 215, "completion_tokens": 12, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "87dc3d5f34db9b2ffb08ac46db426be5306c386b10c434753c7a69d4890fdfb2", "output": {"count": 1, "name": "Example", "on": "2024-01-31"}, "seconds": 0.04068462999998701}, "ask": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 100, "completion_tokens": 5, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "4d489166a8cff003e06d7a2c4b399837021beb590c63b32fd725ea9c29092759", "output": "A short text, 8746f222.", "seconds": 0.02154385599988018}}',0,NULL,4,4,0,620,26,NULL,0,2.49700032999953691614e-01,'2026-11-26 14:14:03.709013');
INSERT INTO "docmill_outcomes" VALUES('earlier','in/bill.txt','file:///srv/project/in/bill.txt','cc13637fcc2a112d2e397cfad054a4c0f804be57159850e06299334a8e6489c5','4f39d2df5340040a9c5fbe4bcf208d5a7d4220c3d803388fbbe2acf98d81f719','6e58d07f-d268-448a-9503-468ed190e1b5','done','A short text, 562b9670.','a','{"count": 1, "name": "Example", "on": "2024-01-31"}','[]','{"summarize": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 113, "completion_tokens": 5, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "8ec0d922af97e4f612c438031844e4134a1d29cf983bd9539cadc26fff1658cc", "output": "A short text, 562b9670.", "seconds": 0.08338680900010331}, "classify": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 195, "completion_tokens": 4, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "3d0911499c492e16f24e94ba0022f4750089bf3580cbcad3fbee3070c6de0b51", "output": "a", "seconds": 0.052457665000019915}, "extract": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 216, "completion_tokens": 12, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "87dc3d5f34db9b2ffb08ac46db426be5306c386b10c434753c7a69d4890fdfb2", "output": {"count": 1, "name": "Example", "on": "2024-01-31"}, "seconds": 0.05576839600007588}, "ask": {"attempts": 1, "calls": 1, "cached_calls": 0, "prompt_tokens": 101, "completion_tokens": 5, "cost_usd": null, "cost_estimated": false, "status": "done", "sha256": "4d489166a8cff003e06d7a2c4b399837021beb590c63b32fd725ea9c29092759", "output": "A short text, 157ef063.", "seconds": 0.05062643599990224}}',0,NULL,4,4,0,625,26,NULL,0,2.51832211999953869963e-01,'2026-11-26 14:14:03.709013');
CREATE TABLE docmill_runs (
	run_id VARCHAR NOT NULL, 
	pipeline TEXT NOT NULL, 
	pipeline_sha256 TEXT NOT NULL, 
	endpoint TEXT NOT NULL, 
	model TEXT NOT NULL, 
	flow_run_id TEXT, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	state TEXT NOT NULL, 
	documents_in BIGINT NOT NULL, 
	done BIGINT NOT NULL, 
	unchanged BIGINT NOT NULL, 
	review BIGINT NOT NULL, 
	invalid BIGINT NOT NULL, 
	refused BIGINT NOT NULL, 
	failed BIGINT NOT NULL, 
	"deferred" BIGINT NOT NULL, 
	quarantined BIGINT NOT NULL, 
	attempts BIGINT NOT NULL, 
	calls BIGINT NOT NULL, 
	cached_calls BIGINT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cost_usd DOUBLE, 
	cost_estimated BOOLEAN NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "docmill_runs" VALUES('6e58d07f-d268-448a-9503-468ed190e1b5','earlier','4f39d2df5340040a9c5fbe4bcf208d5a7d4220c3d803388fbbe2acf98d81f719','http://provider.invalid/v1','m','23f3fda4-469a-4bca-9924-89731d42b408','2026-11-26 14:14:03.338116','2026-11-26 14:14:03.717459','complete',3,3,0,0,0,0,0,0,0,12,12,0,1851,78,NULL,0);
CREATE TABLE earlier__thing (
	document_id TEXT NOT NULL, 
	content_sha256 TEXT, 
	run_id TEXT NOT NULL, 
	name TEXT, 
	count BIGINT, 
	"on" DATE, 
	PRIMARY KEY (document_id)
);
INSERT INTO "earlier__thing" VALUES('in/letter.txt','bfecf7d347070aa331e9ee6571222d9d39dc6b52ba9da03e55942b643e8a142c','6e58d07f-d268-448a-9503-468ed190e1b5','Example',1,'2024-01-31');
INSERT INTO "earlier__thing" VALUES('in/note.txt','d74fd143598f3bab9549bcee94abd0eb40c661561b363429b10e559174669288','6e58d07f-d268-448a-9503-468ed190e1b5','Example',1,'2024-01-31');
INSERT INTO "earlier__thing" VALUES('in/bill.txt','cc13637fcc2a112d2e397cfad054a4c0f804be57159850e06299334a8e6489c5','6e58d07f-d268-448a-9503-468ed190e1b5','Example',1,'2024-01-31');
CREATE INDEX ix_docmill_runs_pipeline ON docmill_runs (pipeline);
COMMIT;
