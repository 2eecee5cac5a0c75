BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('dc11669786a5');
CREATE TABLE "datasets" (
	dataset_uuid VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	digest VARCHAR(36) NOT NULL, 
	dataset_source_type VARCHAR(36) NOT NULL, 
	dataset_source TEXT NOT NULL, 
	dataset_schema TEXT, 
	dataset_profile TEXT, 
	CONSTRAINT dataset_pk PRIMARY KEY (experiment_id, name, digest), 
	CONSTRAINT fk_datasets_experiment_id_experiments FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE
);
INSERT INTO "datasets" VALUES('be6ea1904d8a470cb6472d9d00f1cae2',1,'sales','0123abcd','local','{"uri": "/data/sales.csv"}','{"mlflow_colspec": []}','{"num_rows": 7}');
INSERT INTO "datasets" VALUES('698af1d9f5164763ab3fa54ace01f562',1,'customers','feed','code','{}',NULL,NULL);
CREATE TABLE "experiment_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value TEXT, 
	experiment_id INTEGER NOT NULL, 
	CONSTRAINT experiment_tag_pk PRIMARY KEY ("key", experiment_id), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)
);
INSERT INTO "experiment_tags" VALUES('mlflow.note.content','what we try
in autumn',1);
INSERT INTO "experiment_tags" VALUES('team','growth',1);
CREATE TABLE "experiments" (
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	artifact_location VARCHAR(256), 
	lifecycle_stage VARCHAR(32), 
	creation_time BIGINT, 
	last_update_time BIGINT, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), 
	CONSTRAINT experiments_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT uq_experiments_workspace_name UNIQUE (workspace, name)
);
INSERT INTO "experiments" VALUES(0,'Default','/srv/mlruns/0','active',1795882569850,1795882569850,'default');
INSERT INTO "experiments" VALUES(1,'churn / Q3 é','/mlflow-root/1','active',1795882569865,1795882569865,'default');
INSERT INTO "experiments" VALUES(2,'gone','/mlflow-root/2','deleted',1795882569929,1795882570618,'default');
INSERT INTO "experiments" VALUES(3,'bucket','s3://bucket/models','active',1795882569941,1795882569941,'default');
CREATE TABLE input_tags (
	input_uuid VARCHAR(36) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	value VARCHAR(500) NOT NULL, 
	CONSTRAINT input_tags_pk PRIMARY KEY (input_uuid, name)
);
INSERT INTO "input_tags" VALUES('eedc1030c36e4ba0be0c11b6081dcc76','mlflow.data.context','training');
INSERT INTO "input_tags" VALUES('eedc1030c36e4ba0be0c11b6081dcc76','part','1');
INSERT INTO "input_tags" VALUES('2a9b217c293e4809b0ffa8918858e319','mlflow.data.context','test');
CREATE TABLE inputs (
	input_uuid VARCHAR(36) NOT NULL, 
	source_type VARCHAR(36) NOT NULL, 
	source_id VARCHAR(36) NOT NULL, 
	destination_type VARCHAR(36) NOT NULL, 
	destination_id VARCHAR(36) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT inputs_pk PRIMARY KEY (source_type, source_id, destination_type, destination_id)
);
INSERT INTO "inputs" VALUES('eedc1030c36e4ba0be0c11b6081dcc76','DATASET','be6ea1904d8a470cb6472d9d00f1cae2','RUN','44c338a61bf1417fb6eb523f781e5900',0);
INSERT INTO "inputs" VALUES('03eb06c4b3d642258cca2921961000ff','DATASET','698af1d9f5164763ab3fa54ace01f562','RUN','44c338a61bf1417fb6eb523f781e5900',0);
INSERT INTO "inputs" VALUES('2a9b217c293e4809b0ffa8918858e319','DATASET','be6ea1904d8a470cb6472d9d00f1cae2','RUN','8c29bb2b64b9444bb71a5f89843f3685',0);
INSERT INTO "inputs" VALUES('e58c6fa3c60b44b4982de4fb1d117603','RUN_OUTPUT','44c338a61bf1417fb6eb523f781e5900','MODEL_OUTPUT','m-110e798f57364cc2afb61f121a6e6370',7);
INSERT INTO "inputs" VALUES('2e832c9aa85c46c399b73bffd188cb44','RUN_INPUT','8c29bb2b64b9444bb71a5f89843f3685','MODEL_INPUT','m-110e798f57364cc2afb61f121a6e6370',0);
CREATE TABLE "latest_metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT, 
	step BIGINT NOT NULL, 
	is_nan BOOLEAN NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT latest_metric_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
INSERT INTO "latest_metrics" VALUES('loss',0.01,1790000000249,99,0,'44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "latest_metrics" VALUES('train/auc',0.6,1790000000300,5,0,'44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "latest_metrics" VALUES('nan last',0.0,1790000000300,2,1,'44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "latest_metrics" VALUES('up',1.79769313486231562234e+308,1790000000300,0,0,'44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "latest_metrics" VALUES('down',-1.79769313486231562234e+308,1790000000300,0,0,'44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "latest_metrics" VALUES('tiny',4.94065645841247e-324,1790000000300,0,0,'44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "latest_metrics" VALUES('third',3.33333333333333314829e-01,1790000000300,0,0,'44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "latest_metrics" VALUES('loss',0.5,1790000100001,3,0,'8c29bb2b64b9444bb71a5f89843f3685');
INSERT INTO "latest_metrics" VALUES('loss',9.0,1790000300001,0,0,'fb6fcba013574a5fb0d45885a1c8adfd');
INSERT INTO "latest_metrics" VALUES('loss',8.0,1790000400001,0,0,'ef1f122b006748ed85110e24e1c31871');
INSERT INTO "latest_metrics" VALUES('accuracy',0.5,1790000000401,1,0,'44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "latest_metrics" VALUES('score',0.0,1790000000402,1,1,'44c338a61bf1417fb6eb523f781e5900');
CREATE TABLE logged_model_metrics (
	model_id VARCHAR(36) NOT NULL, 
	metric_name VARCHAR(500) NOT NULL, 
	metric_timestamp_ms BIGINT NOT NULL, 
	metric_step BIGINT NOT NULL, 
	metric_value FLOAT, 
	experiment_id INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	dataset_uuid VARCHAR(36), 
	dataset_name VARCHAR(500), 
	dataset_digest VARCHAR(36), 
	CONSTRAINT logged_model_metrics_pk PRIMARY KEY (model_id, metric_name, metric_timestamp_ms, metric_step, run_id), 
	CONSTRAINT fk_logged_model_metrics_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CONSTRAINT fk_logged_model_metrics_model_id FOREIGN KEY(model_id) REFERENCES logged_models (model_id) ON DELETE CASCADE, 
	CONSTRAINT fk_logged_model_metrics_run_id FOREIGN KEY(run_id) REFERENCES runs (run_uuid) ON DELETE CASCADE
);
INSERT INTO "logged_model_metrics" VALUES('m-110e798f57364cc2afb61f121a6e6370','accuracy',1790000000400,0,0.875,1,'44c338a61bf1417fb6eb523f781e5900',NULL,'sales','0123abcd');
INSERT INTO "logged_model_metrics" VALUES('m-110e798f57364cc2afb61f121a6e6370','accuracy',1790000000401,1,0.5,1,'44c338a61bf1417fb6eb523f781e5900',NULL,NULL,NULL);
INSERT INTO "logged_model_metrics" VALUES('m-110e798f57364cc2afb61f121a6e6370','score',1790000000402,1,0.0,1,'44c338a61bf1417fb6eb523f781e5900',NULL,NULL,NULL);
CREATE TABLE logged_model_params (
	model_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	param_key VARCHAR(255) NOT NULL, 
	param_value TEXT NOT NULL, 
	CONSTRAINT logged_model_params_pk PRIMARY KEY (model_id, param_key), 
	CONSTRAINT fk_logged_model_params_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CONSTRAINT fk_logged_model_params_model_id FOREIGN KEY(model_id) REFERENCES logged_models (model_id) ON DELETE CASCADE
);
INSERT INTO "logged_model_params" VALUES('m-110e798f57364cc2afb61f121a6e6370',1,'depth','6');
INSERT INTO "logged_model_params" VALUES('m-110e798f57364cc2afb61f121a6e6370',1,'rate','0.1');
CREATE TABLE logged_model_tags (
	model_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	tag_key VARCHAR(255) NOT NULL, 
	tag_value TEXT NOT NULL, 
	CONSTRAINT logged_model_tags_pk PRIMARY KEY (model_id, tag_key), 
	CONSTRAINT fk_logged_model_tags_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CONSTRAINT fk_logged_model_tags_model_id FOREIGN KEY(model_id) REFERENCES logged_models (model_id) ON DELETE CASCADE
);
INSERT INTO "logged_model_tags" VALUES('m-110e798f57364cc2afb61f121a6e6370',1,'lang','rust');
CREATE TABLE logged_models (
	model_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	artifact_location VARCHAR(1000) NOT NULL, 
	creation_timestamp_ms BIGINT NOT NULL, 
	last_updated_timestamp_ms BIGINT NOT NULL, 
	status INTEGER NOT NULL, 
	lifecycle_stage VARCHAR(32), 
	model_type VARCHAR(500), 
	source_run_id VARCHAR(32), 
	status_message VARCHAR(1000), 
	CONSTRAINT logged_models_pk PRIMARY KEY (model_id), 
	CONSTRAINT logged_models_lifecycle_stage_check CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT fk_logged_models_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE
);
INSERT INTO "logged_models" VALUES('m-110e798f57364cc2afb61f121a6e6370',1,'boosting','/mlflow-root/1/models/m-110e798f57364cc2afb61f121a6e6370/artifacts',1795882570655,1795882570698,2,'active','classifier','44c338a61bf1417fb6eb523f781e5900',NULL);
INSERT INTO "logged_models" VALUES('m-e9f47161cf5041d68d39154e48b86190',1,'pending','/mlflow-root/1/models/m-e9f47161cf5041d68d39154e48b86190/artifacts',1795882570835,1795882570835,1,'active',NULL,NULL,NULL);
INSERT INTO "logged_models" VALUES('m-a9d48c6543ac4e069d184b5d608bf076',0,'failed','/srv/mlruns/0/models/m-a9d48c6543ac4e069d184b5d608bf076/artifacts',1795882570864,1795882570890,3,'active',NULL,'bde64767e0074432a8c6aa83968c136c',NULL);
INSERT INTO "logged_models" VALUES('m-9a03b6aa059b4e6fa29a1cdc6a1645b4',1,'dropped','/mlflow-root/1/models/m-9a03b6aa059b4e6fa29a1cdc6a1645b4/artifacts',1795882570928,1795882570950,1,'deleted',NULL,NULL,NULL);
CREATE TABLE "metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	step BIGINT DEFAULT '0' NOT NULL, 
	is_nan BOOLEAN DEFAULT '0' NOT NULL, 
	CONSTRAINT metric_pk PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
INSERT INTO "metrics" VALUES('loss',1.0,1790000000200,'44c338a61bf1417fb6eb523f781e5900',0,0);
INSERT INTO "metrics" VALUES('loss',0.5,1790000000200,'44c338a61bf1417fb6eb523f781e5900',1,0);
INSERT INTO "metrics" VALUES('loss',3.33333333333333314829e-01,1790000000201,'44c338a61bf1417fb6eb523f781e5900',2,0);
INSERT INTO "metrics" VALUES('loss',0.25,1790000000201,'44c338a61bf1417fb6eb523f781e5900',3,0);
INSERT INTO "metrics" VALUES('loss',0.2,1790000000202,'44c338a61bf1417fb6eb523f781e5900',4,0);
INSERT INTO "metrics" VALUES('loss',1.66666666666666657414e-01,1790000000202,'44c338a61bf1417fb6eb523f781e5900',5,0);
INSERT INTO "metrics" VALUES('loss',1.42857142857142849212e-01,1790000000203,'44c338a61bf1417fb6eb523f781e5900',6,0);
INSERT INTO "metrics" VALUES('loss',0.125,1790000000203,'44c338a61bf1417fb6eb523f781e5900',7,0);
INSERT INTO "metrics" VALUES('loss',1.11111111111111104943e-01,1790000000204,'44c338a61bf1417fb6eb523f781e5900',8,0);
INSERT INTO "metrics" VALUES('loss',0.1,1790000000204,'44c338a61bf1417fb6eb523f781e5900',9,0);
INSERT INTO "metrics" VALUES('loss',9.09090909090909116141e-02,1790000000205,'44c338a61bf1417fb6eb523f781e5900',10,0);
INSERT INTO "metrics" VALUES('loss',8.33333333333333287074e-02,1790000000205,'44c338a61bf1417fb6eb523f781e5900',11,0);
INSERT INTO "metrics" VALUES('loss',7.6923076923076927347e-02,1790000000206,'44c338a61bf1417fb6eb523f781e5900',12,0);
INSERT INTO "metrics" VALUES('loss',7.14285714285714246063e-02,1790000000206,'44c338a61bf1417fb6eb523f781e5900',13,0);
INSERT INTO "metrics" VALUES('loss',6.66666666666666657414e-02,1790000000207,'44c338a61bf1417fb6eb523f781e5900',14,0);
INSERT INTO "metrics" VALUES('loss',0.0625,1790000000207,'44c338a61bf1417fb6eb523f781e5900',15,0);
INSERT INTO "metrics" VALUES('loss',5.8823529411764705066e-02,1790000000208,'44c338a61bf1417fb6eb523f781e5900',16,0);
INSERT INTO "metrics" VALUES('loss',5.55555555555555524716e-02,1790000000208,'44c338a61bf1417fb6eb523f781e5900',17,0);
INSERT INTO "metrics" VALUES('loss',5.26315789473684181309e-02,1790000000209,'44c338a61bf1417fb6eb523f781e5900',18,0);
INSERT INTO "metrics" VALUES('loss',0.05,1790000000209,'44c338a61bf1417fb6eb523f781e5900',19,0);
INSERT INTO "metrics" VALUES('loss',4.76190476190476164042e-02,1790000000210,'44c338a61bf1417fb6eb523f781e5900',20,0);
INSERT INTO "metrics" VALUES('loss',4.5454545454545455807e-02,1790000000210,'44c338a61bf1417fb6eb523f781e5900',21,0);
INSERT INTO "metrics" VALUES('loss',4.34782608695652161845e-02,1790000000211,'44c338a61bf1417fb6eb523f781e5900',22,0);
INSERT INTO "metrics" VALUES('loss',4.16666666666666643537e-02,1790000000211,'44c338a61bf1417fb6eb523f781e5900',23,0);
INSERT INTO "metrics" VALUES('loss',0.04,1790000000212,'44c338a61bf1417fb6eb523f781e5900',24,0);
INSERT INTO "metrics" VALUES('loss',3.84615384615384636735e-02,1790000000212,'44c338a61bf1417fb6eb523f781e5900',25,0);
INSERT INTO "metrics" VALUES('loss',3.7037037037037034981e-02,1790000000213,'44c338a61bf1417fb6eb523f781e5900',26,0);
INSERT INTO "metrics" VALUES('loss',3.57142857142857123031e-02,1790000000213,'44c338a61bf1417fb6eb523f781e5900',27,0);
INSERT INTO "metrics" VALUES('loss',3.44827586206896546938e-02,1790000000214,'44c338a61bf1417fb6eb523f781e5900',28,0);
INSERT INTO "metrics" VALUES('loss',3.33333333333333328707e-02,1790000000214,'44c338a61bf1417fb6eb523f781e5900',29,0);
INSERT INTO "metrics" VALUES('loss',3.22580645161290313627e-02,1790000000215,'44c338a61bf1417fb6eb523f781e5900',30,0);
INSERT INTO "metrics" VALUES('loss',0.03125,1790000000215,'44c338a61bf1417fb6eb523f781e5900',31,0);
INSERT INTO "metrics" VALUES('loss',3.03030303030303038713e-02,1790000000216,'44c338a61bf1417fb6eb523f781e5900',32,0);
INSERT INTO "metrics" VALUES('loss',2.9411764705882352533e-02,1790000000216,'44c338a61bf1417fb6eb523f781e5900',33,0);
INSERT INTO "metrics" VALUES('loss',2.85714285714285705364e-02,1790000000217,'44c338a61bf1417fb6eb523f781e5900',34,0);
INSERT INTO "metrics" VALUES('loss',2.77777777777777762358e-02,1790000000217,'44c338a61bf1417fb6eb523f781e5900',35,0);
INSERT INTO "metrics" VALUES('loss',2.70270270270270285273e-02,1790000000218,'44c338a61bf1417fb6eb523f781e5900',36,0);
INSERT INTO "metrics" VALUES('loss',2.63157894736842090654e-02,1790000000218,'44c338a61bf1417fb6eb523f781e5900',37,0);
INSERT INTO "metrics" VALUES('loss',2.5641025641025640136e-02,1790000000219,'44c338a61bf1417fb6eb523f781e5900',38,0);
INSERT INTO "metrics" VALUES('loss',0.025,1790000000219,'44c338a61bf1417fb6eb523f781e5900',39,0);
INSERT INTO "metrics" VALUES('loss',2.43902439024390252364e-02,1790000000220,'44c338a61bf1417fb6eb523f781e5900',40,0);
INSERT INTO "metrics" VALUES('loss',2.38095238095238082021e-02,1790000000220,'44c338a61bf1417fb6eb523f781e5900',41,0);
INSERT INTO "metrics" VALUES('loss',2.32558139534883717702e-02,1790000000221,'44c338a61bf1417fb6eb523f781e5900',42,0);
INSERT INTO "metrics" VALUES('loss',2.27272727272727279035e-02,1790000000221,'44c338a61bf1417fb6eb523f781e5900',43,0);
INSERT INTO "metrics" VALUES('loss',2.22222222222222230703e-02,1790000000222,'44c338a61bf1417fb6eb523f781e5900',44,0);
INSERT INTO "metrics" VALUES('loss',2.17391304347826080922e-02,1790000000222,'44c338a61bf1417fb6eb523f781e5900',45,0);
INSERT INTO "metrics" VALUES('loss',2.12765957446808505471e-02,1790000000223,'44c338a61bf1417fb6eb523f781e5900',46,0);
INSERT INTO "metrics" VALUES('loss',2.08333333333333321768e-02,1790000000223,'44c338a61bf1417fb6eb523f781e5900',47,0);
INSERT INTO "metrics" VALUES('loss',2.04081632653061208204e-02,1790000000224,'44c338a61bf1417fb6eb523f781e5900',48,0);
INSERT INTO "metrics" VALUES('loss',0.02,1790000000224,'44c338a61bf1417fb6eb523f781e5900',49,0);
INSERT INTO "metrics" VALUES('loss',0.0196078431372549,1790000000225,'44c338a61bf1417fb6eb523f781e5900',50,0);
INSERT INTO "metrics" VALUES('loss',1.92307692307692318367e-02,1790000000225,'44c338a61bf1417fb6eb523f781e5900',51,0);
INSERT INTO "metrics" VALUES('loss',1.88679245283018860723e-02,1790000000226,'44c338a61bf1417fb6eb523f781e5900',52,0);
INSERT INTO "metrics" VALUES('loss',1.85185185185185174905e-02,1790000000226,'44c338a61bf1417fb6eb523f781e5900',53,0);
INSERT INTO "metrics" VALUES('loss',1.8181818181818180935e-02,1790000000227,'44c338a61bf1417fb6eb523f781e5900',54,0);
INSERT INTO "metrics" VALUES('loss',1.78571428571428561515e-02,1790000000227,'44c338a61bf1417fb6eb523f781e5900',55,0);
INSERT INTO "metrics" VALUES('loss',1.75438596491228060436e-02,1790000000228,'44c338a61bf1417fb6eb523f781e5900',56,0);
INSERT INTO "metrics" VALUES('loss',1.72413793103448273469e-02,1790000000228,'44c338a61bf1417fb6eb523f781e5900',57,0);
INSERT INTO "metrics" VALUES('loss',1.69491525423728812971e-02,1790000000229,'44c338a61bf1417fb6eb523f781e5900',58,0);
INSERT INTO "metrics" VALUES('loss',1.66666666666666664353e-02,1790000000229,'44c338a61bf1417fb6eb523f781e5900',59,0);
INSERT INTO "metrics" VALUES('loss',1.63934426229508205252e-02,1790000000230,'44c338a61bf1417fb6eb523f781e5900',60,0);
INSERT INTO "metrics" VALUES('loss',1.61290322580645156813e-02,1790000000230,'44c338a61bf1417fb6eb523f781e5900',61,0);
INSERT INTO "metrics" VALUES('loss',1.58730158730158721347e-02,1790000000231,'44c338a61bf1417fb6eb523f781e5900',62,0);
INSERT INTO "metrics" VALUES('loss',0.015625,1790000000231,'44c338a61bf1417fb6eb523f781e5900',63,0);
INSERT INTO "metrics" VALUES('loss',1.53846153846153854694e-02,1790000000232,'44c338a61bf1417fb6eb523f781e5900',64,0);
INSERT INTO "metrics" VALUES('loss',1.51515151515151519356e-02,1790000000232,'44c338a61bf1417fb6eb523f781e5900',65,0);
INSERT INTO "metrics" VALUES('loss',1.49253731343283579241e-02,1790000000233,'44c338a61bf1417fb6eb523f781e5900',66,0);
INSERT INTO "metrics" VALUES('loss',1.47058823529411762665e-02,1790000000233,'44c338a61bf1417fb6eb523f781e5900',67,0);
INSERT INTO "metrics" VALUES('loss',1.4492753623188405973e-02,1790000000234,'44c338a61bf1417fb6eb523f781e5900',68,0);
INSERT INTO "metrics" VALUES('loss',1.42857142857142852682e-02,1790000000234,'44c338a61bf1417fb6eb523f781e5900',69,0);
INSERT INTO "metrics" VALUES('loss',1.40845070422535214443e-02,1790000000235,'44c338a61bf1417fb6eb523f781e5900',70,0);
INSERT INTO "metrics" VALUES('loss',1.38888888888888881179e-02,1790000000235,'44c338a61bf1417fb6eb523f781e5900',71,0);
INSERT INTO "metrics" VALUES('loss',0.0136986301369863,1790000000236,'44c338a61bf1417fb6eb523f781e5900',72,0);
INSERT INTO "metrics" VALUES('loss',1.35135135135135142636e-02,1790000000236,'44c338a61bf1417fb6eb523f781e5900',73,0);
INSERT INTO "metrics" VALUES('loss',1.33333333333333341891e-02,1790000000237,'44c338a61bf1417fb6eb523f781e5900',74,0);
INSERT INTO "metrics" VALUES('loss',1.31578947368421045327e-02,1790000000237,'44c338a61bf1417fb6eb523f781e5900',75,0);
INSERT INTO "metrics" VALUES('loss',1.2987012987012987869e-02,1790000000238,'44c338a61bf1417fb6eb523f781e5900',76,0);
INSERT INTO "metrics" VALUES('loss',1.2820512820512820068e-02,1790000000238,'44c338a61bf1417fb6eb523f781e5900',77,0);
INSERT INTO "metrics" VALUES('loss',1.26582278481012656251e-02,1790000000239,'44c338a61bf1417fb6eb523f781e5900',78,0);
INSERT INTO "metrics" VALUES('loss',0.0125,1790000000239,'44c338a61bf1417fb6eb523f781e5900',79,0);
INSERT INTO "metrics" VALUES('loss',1.2345679012345678327e-02,1790000000240,'44c338a61bf1417fb6eb523f781e5900',80,0);
INSERT INTO "metrics" VALUES('loss',1.21951219512195126182e-02,1790000000240,'44c338a61bf1417fb6eb523f781e5900',81,0);
INSERT INTO "metrics" VALUES('loss',1.20481927710843379764e-02,1790000000241,'44c338a61bf1417fb6eb523f781e5900',82,0);
INSERT INTO "metrics" VALUES('loss',1.1904761904761904101e-02,1790000000241,'44c338a61bf1417fb6eb523f781e5900',83,0);
INSERT INTO "metrics" VALUES('loss',1.17647058823529410132e-02,1790000000242,'44c338a61bf1417fb6eb523f781e5900',84,0);
INSERT INTO "metrics" VALUES('loss',1.16279069767441858851e-02,1790000000242,'44c338a61bf1417fb6eb523f781e5900',85,0);
INSERT INTO "metrics" VALUES('loss',1.14942528735632182312e-02,1790000000243,'44c338a61bf1417fb6eb523f781e5900',86,0);
INSERT INTO "metrics" VALUES('loss',1.13636363636363639517e-02,1790000000243,'44c338a61bf1417fb6eb523f781e5900',87,0);
INSERT INTO "metrics" VALUES('loss',1.1235955056179774969e-02,1790000000244,'44c338a61bf1417fb6eb523f781e5900',88,0);
INSERT INTO "metrics" VALUES('loss',1.11111111111111115351e-02,1790000000244,'44c338a61bf1417fb6eb523f781e5900',89,0);
INSERT INTO "metrics" VALUES('loss',1.09890109890109898688e-02,1790000000245,'44c338a61bf1417fb6eb523f781e5900',90,0);
INSERT INTO "metrics" VALUES('loss',1.08695652173913040461e-02,1790000000245,'44c338a61bf1417fb6eb523f781e5900',91,0);
INSERT INTO "metrics" VALUES('loss',1.07526881720430116107e-02,1790000000246,'44c338a61bf1417fb6eb523f781e5900',92,0);
INSERT INTO "metrics" VALUES('loss',1.06382978723404252735e-02,1790000000246,'44c338a61bf1417fb6eb523f781e5900',93,0);
INSERT INTO "metrics" VALUES('loss',1.05263157894736839731e-02,1790000000247,'44c338a61bf1417fb6eb523f781e5900',94,0);
INSERT INTO "metrics" VALUES('loss',1.04166666666666660884e-02,1790000000247,'44c338a61bf1417fb6eb523f781e5900',95,0);
INSERT INTO "metrics" VALUES('loss',1.03092783505154637208e-02,1790000000248,'44c338a61bf1417fb6eb523f781e5900',96,0);
INSERT INTO "metrics" VALUES('loss',1.02040816326530604102e-02,1790000000248,'44c338a61bf1417fb6eb523f781e5900',97,0);
INSERT INTO "metrics" VALUES('loss',1.01010101010101018687e-02,1790000000249,'44c338a61bf1417fb6eb523f781e5900',98,0);
INSERT INTO "metrics" VALUES('loss',0.01,1790000000249,'44c338a61bf1417fb6eb523f781e5900',99,0);
INSERT INTO "metrics" VALUES('train/auc',0.25,1790000000300,'44c338a61bf1417fb6eb523f781e5900',-5,0);
INSERT INTO "metrics" VALUES('train/auc',0.75,1790000000299,'44c338a61bf1417fb6eb523f781e5900',5,0);
INSERT INTO "metrics" VALUES('train/auc',0.5,1790000000300,'44c338a61bf1417fb6eb523f781e5900',5,0);
INSERT INTO "metrics" VALUES('train/auc',0.6,1790000000300,'44c338a61bf1417fb6eb523f781e5900',5,0);
INSERT INTO "metrics" VALUES('nan last',1.0,1790000000300,'44c338a61bf1417fb6eb523f781e5900',1,0);
INSERT INTO "metrics" VALUES('nan last',0.0,1790000000300,'44c338a61bf1417fb6eb523f781e5900',2,1);
INSERT INTO "metrics" VALUES('up',1.79769313486231562234e+308,1790000000300,'44c338a61bf1417fb6eb523f781e5900',0,0);
INSERT INTO "metrics" VALUES('down',-1.79769313486231562234e+308,1790000000300,'44c338a61bf1417fb6eb523f781e5900',0,0);
INSERT INTO "metrics" VALUES('tiny',4.94065645841247e-324,1790000000300,'44c338a61bf1417fb6eb523f781e5900',0,0);
INSERT INTO "metrics" VALUES('third',3.33333333333333314829e-01,1790000000300,'44c338a61bf1417fb6eb523f781e5900',0,0);
INSERT INTO "metrics" VALUES('loss',0.5,1790000100001,'8c29bb2b64b9444bb71a5f89843f3685',3,0);
INSERT INTO "metrics" VALUES('loss',9.0,1790000300001,'fb6fcba013574a5fb0d45885a1c8adfd',0,0);
INSERT INTO "metrics" VALUES('loss',8.0,1790000400001,'ef1f122b006748ed85110e24e1c31871',0,0);
INSERT INTO "metrics" VALUES('accuracy',0.875,1790000000400,'44c338a61bf1417fb6eb523f781e5900',0,0);
INSERT INTO "metrics" VALUES('accuracy',0.5,1790000000401,'44c338a61bf1417fb6eb523f781e5900',1,0);
INSERT INTO "metrics" VALUES('score',0.0,1790000000402,'44c338a61bf1417fb6eb523f781e5900',1,1);
CREATE TABLE "model_version_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value TEXT, 
	name VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT model_version_tag_pk PRIMARY KEY (workspace, "key", name, version), 
	CONSTRAINT fk_model_version_tags_model_versions FOREIGN KEY(workspace, name, version) REFERENCES model_versions (workspace, name, version) ON UPDATE CASCADE
);
INSERT INTO "model_version_tags" VALUES('n','1','churn model',1,'default');
INSERT INTO "model_version_tags" VALUES('n','2','churn model',2,'default');
INSERT INTO "model_version_tags" VALUES('n','3','churn model',3,'default');
INSERT INTO "model_version_tags" VALUES('n','4','churn model',4,'default');
INSERT INTO "model_version_tags" VALUES('n','5','churn model',5,'default');
CREATE TABLE "model_versions" (
	name VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	creation_time BIGINT, 
	last_updated_time BIGINT, 
	description VARCHAR(5000), 
	user_id VARCHAR(256), 
	current_stage VARCHAR(20), 
	source VARCHAR(500), 
	run_id VARCHAR(32), 
	status VARCHAR(20), 
	status_message VARCHAR(500), 
	run_link VARCHAR(500), 
	storage_location VARCHAR(500), 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT model_version_pk PRIMARY KEY (workspace, name, version), 
	CONSTRAINT fk_model_versions_registered_models FOREIGN KEY(workspace, name) REFERENCES registered_models (workspace, name) ON UPDATE CASCADE
);
INSERT INTO "model_versions" VALUES('churn model',1,1795882571023,1795882571212,'version 1',NULL,'Archived','models:/m-110e798f57364cc2afb61f121a6e6370','44c338a61bf1417fb6eb523f781e5900','READY',NULL,NULL,'/mlflow-root/1/models/m-110e798f57364cc2afb61f121a6e6370/artifacts','default');
INSERT INTO "model_versions" VALUES('churn model',2,1795882571053,1795882571252,'version 2',NULL,'Production','runs:/44c338a61bf1417fb6eb523f781e5900/model','44c338a61bf1417fb6eb523f781e5900','READY',NULL,NULL,'runs:/44c338a61bf1417fb6eb523f781e5900/model','default');
INSERT INTO "model_versions" VALUES('churn model',3,1795882571074,1795882571368,NULL,NULL,'Deleted_Internal','REDACTED-SOURCE-PATH','REDACTED-RUN-ID','READY',NULL,'REDACTED-RUN-LINK','runs:/8c29bb2b64b9444bb71a5f89843f3685/model','default');
INSERT INTO "model_versions" VALUES('churn model',4,1795882571129,1795882571289,'version 4',NULL,'Staging','runs:/8c29bb2b64b9444bb71a5f89843f3685/other',NULL,'READY',NULL,NULL,'runs:/8c29bb2b64b9444bb71a5f89843f3685/other','default');
INSERT INTO "model_versions" VALUES('churn model',5,1795882571173,1795882571393,NULL,NULL,'Deleted_Internal','REDACTED-SOURCE-PATH','REDACTED-RUN-ID','READY',NULL,'REDACTED-RUN-LINK','runs:/44c338a61bf1417fb6eb523f781e5900/last','default');
INSERT INTO "model_versions" VALUES('two serve',1,1795882571465,1795882571504,NULL,NULL,'Production','runs:/44c338a61bf1417fb6eb523f781e5900/two/1',NULL,'READY',NULL,NULL,'runs:/44c338a61bf1417fb6eb523f781e5900/two/1','default');
INSERT INTO "model_versions" VALUES('two serve',2,1795882571533,1795882571569,NULL,NULL,'Production','runs:/44c338a61bf1417fb6eb523f781e5900/two/2',NULL,'READY',NULL,NULL,'runs:/44c338a61bf1417fb6eb523f781e5900/two/2','default');
CREATE TABLE "params" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000) NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "params" VALUES('trees','300','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "params" VALUES('empty','','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "params" VALUES('über','ja, "so"
''und so''','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "params" VALUES('long','xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "params" VALUES('seed','7','bde64767e0074432a8c6aa83968c136c');
CREATE TABLE "registered_model_aliases" (
	alias VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT registered_model_alias_pk PRIMARY KEY (workspace, name, alias), 
	CONSTRAINT fk_registered_model_aliases_registered_models FOREIGN KEY(workspace, name) REFERENCES registered_models (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
);
INSERT INTO "registered_model_aliases" VALUES('champion',2,'churn model','default');
INSERT INTO "registered_model_aliases" VALUES('best-so-far',4,'churn model','default');
INSERT INTO "registered_model_aliases" VALUES('production',1,'two serve','default');
CREATE TABLE "registered_model_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	name VARCHAR(256) NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT registered_model_tag_pk PRIMARY KEY (workspace, "key", name), 
	CONSTRAINT fk_registered_model_tags_registered_models FOREIGN KEY(workspace, name) REFERENCES registered_models (workspace, name) ON UPDATE CASCADE
);
INSERT INTO "registered_model_tags" VALUES('owner','ada','churn model','default');
INSERT INTO "registered_model_tags" VALUES('note','n
2','churn model','default');
CREATE TABLE "registered_models" (
	name VARCHAR(256) NOT NULL, 
	creation_time BIGINT, 
	last_updated_time BIGINT, 
	description VARCHAR(5000), 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT registered_model_pk PRIMARY KEY (workspace, name)
);
INSERT INTO "registered_models" VALUES('churn model',1795882571001,1795882571393,'who leaves','default');
INSERT INTO "registered_models" VALUES('empty',1795882571409,1795882571409,NULL,'default');
INSERT INTO "registered_models" VALUES('two serve',1795882571426,1795882571569,NULL,'default');
CREATE TABLE "runs" (
	run_uuid VARCHAR(32) NOT NULL, 
	name VARCHAR(250), 
	source_type VARCHAR(20), 
	source_name VARCHAR(500), 
	entry_point_name VARCHAR(50), 
	user_id VARCHAR(256), 
	status VARCHAR(9), 
	start_time BIGINT, 
	end_time BIGINT, 
	source_version VARCHAR(50), 
	lifecycle_stage VARCHAR(20), 
	artifact_uri VARCHAR(200), 
	experiment_id INTEGER, deleted_time BIGINT, 
	CONSTRAINT run_pk PRIMARY KEY (run_uuid), 
	CONSTRAINT runs_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT source_type CHECK (source_type IN ('NOTEBOOK', 'JOB', 'LOCAL', 'UNKNOWN', 'PROJECT')), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CHECK (status IN ('SCHEDULED', 'FAILED', 'FINISHED', 'RUNNING', 'KILLED'))
);
INSERT INTO "runs" VALUES('44c338a61bf1417fb6eb523f781e5900','first try','UNKNOWN','','','ada','FINISHED',1790000000123,1790000009999,'','active','/mlflow-root/1/44c338a61bf1417fb6eb523f781e5900/artifacts',1,NULL);
INSERT INTO "runs" VALUES('8c29bb2b64b9444bb71a5f89843f3685','child','UNKNOWN','','','unknown','FAILED',1790000100000,1790000100002,'','active','/mlflow-root/1/8c29bb2b64b9444bb71a5f89843f3685/artifacts',1,NULL);
INSERT INTO "runs" VALUES('bde64767e0074432a8c6aa83968c136c','goes on','UNKNOWN','','','unknown','RUNNING',1790000200000,NULL,'','active','/srv/mlruns/0/bde64767e0074432a8c6aa83968c136c/artifacts',0,NULL);
INSERT INTO "runs" VALUES('fb6fcba013574a5fb0d45885a1c8adfd','deleted','UNKNOWN','','','unknown','KILLED',1790000300000,1790000300002,'','deleted','/mlflow-root/1/fb6fcba013574a5fb0d45885a1c8adfd/artifacts',1,1795882570382);
INSERT INTO "runs" VALUES('ef1f122b006748ed85110e24e1c31871','inside','UNKNOWN','','','unknown','FINISHED',1790000400000,1790000400002,'','deleted','/mlflow-root/2/ef1f122b006748ed85110e24e1c31871/artifacts',2,1795882570626);
INSERT INTO "runs" VALUES('1f364595334745b7ad19cbcf73d963b6','far','UNKNOWN','','','unknown','FINISHED',1790000500000,1790000500002,'','active','s3://bucket/models/1f364595334745b7ad19cbcf73d963b6/artifacts',3,NULL);
CREATE TABLE "tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000), 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT tag_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "tags" VALUES('mlflow.user','ada','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "tags" VALUES('mlflow.source.name','train.py','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "tags" VALUES('mlflow.source.type','LOCAL','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "tags" VALUES('empty','','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "tags" VALUES('mlflow.runName','first try','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "tags" VALUES('long','éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé','44c338a61bf1417fb6eb523f781e5900');
INSERT INTO "tags" VALUES('mlflow.parentRunId','44c338a61bf1417fb6eb523f781e5900','8c29bb2b64b9444bb71a5f89843f3685');
INSERT INTO "tags" VALUES('mlflow.runName','child','8c29bb2b64b9444bb71a5f89843f3685');
INSERT INTO "tags" VALUES('mlflow.runName','goes on','bde64767e0074432a8c6aa83968c136c');
INSERT INTO "tags" VALUES('mlflow.runName','deleted','fb6fcba013574a5fb0d45885a1c8adfd');
INSERT INTO "tags" VALUES('mlflow.runName','inside','ef1f122b006748ed85110e24e1c31871');
INSERT INTO "tags" VALUES('mlflow.runName','far','1f364595334745b7ad19cbcf73d963b6');
CREATE TABLE "webhooks" (
	webhook_id VARCHAR(256) NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	description VARCHAR(1000), 
	url VARCHAR(500) NOT NULL, 
	status VARCHAR(20) DEFAULT 'ACTIVE' NOT NULL, 
	secret VARCHAR(1000), 
	creation_timestamp BIGINT, 
	last_updated_timestamp BIGINT, 
	deleted_timestamp BIGINT, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT webhook_pk PRIMARY KEY (webhook_id)
);
INSERT INTO "webhooks" VALUES('w','hook',NULL,'https://example.org','ACTIVE','x',1,1,NULL,'default');
CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
CREATE INDEX index_latest_metrics_run_uuid ON latest_metrics (run_uuid);
CREATE INDEX index_inputs_input_uuid ON inputs (input_uuid);
CREATE INDEX index_inputs_destination_type_destination_id_source_type ON inputs (destination_type, destination_id, source_type);
CREATE INDEX index_params_run_uuid ON params (run_uuid);
CREATE INDEX index_tags_run_uuid ON tags (run_uuid);
CREATE INDEX index_datasets_experiment_id_dataset_source_type ON datasets (experiment_id, dataset_source_type);
CREATE INDEX index_datasets_dataset_uuid ON datasets (dataset_uuid);
CREATE INDEX index_logged_model_metrics_model_id ON logged_model_metrics (model_id);
CREATE INDEX idx_webhooks_name ON webhooks (name);
CREATE INDEX idx_webhooks_status ON webhooks (status);
CREATE INDEX idx_experiments_workspace ON experiments (workspace);
CREATE INDEX idx_registered_models_workspace ON registered_models (workspace);
CREATE INDEX idx_experiments_workspace_creation_time ON experiments (workspace, creation_time);
CREATE INDEX idx_webhooks_workspace ON webhooks (workspace);
CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, "key", step);
CREATE INDEX idx_model_version_tags_workspace_name_version ON model_version_tags (workspace, name, version);
CREATE INDEX idx_registered_model_tags_workspace_name ON registered_model_tags (workspace, name);
COMMIT;
