BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE autograders (
	sha256 VARCHAR(64) NOT NULL, 
	image_id TEXT NOT NULL, 
	spec TEXT NOT NULL, 
	problems TEXT NOT NULL, 
	recorded_at VARCHAR(27) NOT NULL, 
	CONSTRAINT pk_autograders PRIMARY KEY (sha256, image_id)
);
CREATE TABLE classic_imports (
	file_name VARCHAR(255) NOT NULL, 
	imported_at VARCHAR(27) NOT NULL, 
	imported INTEGER NOT NULL, 
	known_already INTEGER NOT NULL, 
	left_out INTEGER NOT NULL, 
	CONSTRAINT pk_classic_imports PRIMARY KEY (file_name)
);
INSERT INTO "classic_imports" VALUES('gradebook-classic-2026-11-24.db','2026-11-24T19:29:28.394796Z',1,0,0);
CREATE TABLE grades (
	id INTEGER NOT NULL, 
	student VARCHAR(255) NOT NULL, 
	course VARCHAR(255) NOT NULL, 
	section VARCHAR(255) NOT NULL, 
	assignment VARCHAR(255) NOT NULL, 
	score DOUBLE NOT NULL, 
	points_possible DOUBLE NOT NULL, 
	run_id VARCHAR(36) NOT NULL, 
	submission_id VARCHAR(36) NOT NULL, 
	made_at VARCHAR(27) NOT NULL, 
	superseded_at VARCHAR(27), 
	CONSTRAINT pk_grades PRIMARY KEY (id), 
	CONSTRAINT fk_grades_run_id FOREIGN KEY(run_id) REFERENCES grading_runs (id), 
	CONSTRAINT fk_grades_submission_id FOREIGN KEY(submission_id) REFERENCES submissions (id), 
	CONSTRAINT ck_grades_score CHECK (score BETWEEN 0 AND 1e300), 
	CONSTRAINT ck_grades_points_possible CHECK (points_possible BETWEEN 0 AND 1e300)
);
INSERT INTO "grades" VALUES(1,'ben','classic','fa26','lab00',0.5,1.0,'01a04d1a-d9f4-76df-be95-4ca962fb4601','01a04d1a-d9f4-7168-ba14-bddd32aa4973','2026-11-24T19:29:28.394796Z',NULL);
INSERT INTO "grades" VALUES(2,'josé','demo101','fa26','lab01',7.0,10.0,'01a20f08-db54-70e8-8a8a-d8b536748c4f','01a20f08-db54-70e8-8a8a-d8b4bec6bf60','2026-11-24T19:29:28.404523Z','2026-11-24T19:29:28.416527Z');
INSERT INTO "grades" VALUES(3,'josé','demo101','fa26','lab01',9.0,10.0,'01a20f08-db60-73be-a071-9d80eff5e185','01a20f08-db60-73be-a071-9d7f82fbc37f','2026-11-24T19:29:28.416527Z',NULL);
INSERT INTO "grades" VALUES(4,'ada','demo101','fa26','lab01',4.0,8.0,'01a20f08-db6a-700d-af6b-4e1a62762a28','01a20f08-db6a-700d-af6b-4e19e721c740','2026-11-24T19:29:28.426527Z',NULL);
INSERT INTO "grades" VALUES(5,'mal','demo101','fa26','lab01',6.0,10.0,'01a20f08-db73-7502-8d01-744c74232ab8','01a20f08-db73-7502-8d01-744b774de65e','2026-11-24T19:29:28.444079Z',NULL);
CREATE TABLE grading_runs (
	id VARCHAR(36) NOT NULL, 
	submission_id VARCHAR(36) NOT NULL, 
	reason VARCHAR(32) NOT NULL, 
	regrade_id VARCHAR(36), 
	applied_at VARCHAR(27), 
	verdict VARCHAR(32) NOT NULL, 
	score DOUBLE, 
	points_possible DOUBLE, 
	started_at VARCHAR(27) NOT NULL, 
	finished_at VARCHAR(27) NOT NULL, 
	autograder_sha256 VARCHAR(64), 
	image_id TEXT, 
	otter_version TEXT NOT NULL, 
	sandbox VARCHAR(32) NOT NULL, 
	tries INTEGER NOT NULL, 
	flags TEXT NOT NULL, 
	student_text TEXT NOT NULL, 
	staff_text TEXT NOT NULL, 
	log_tail TEXT NOT NULL, 
	wall_s DOUBLE NOT NULL, 
	peak_memory_bytes BIGINT, 
	CONSTRAINT pk_grading_runs PRIMARY KEY (id), 
	CONSTRAINT fk_grading_runs_submission_id FOREIGN KEY(submission_id) REFERENCES submissions (id), 
	CONSTRAINT ck_grading_runs_reason CHECK ((reason = 'initial' AND regrade_id IS NULL AND applied_at IS NOT NULL) OR (reason = 'regrade' AND regrade_id IS NOT NULL)), 
	CONSTRAINT ck_grading_runs_verdict CHECK (verdict IN ('graded', 'timed_out', 'out_of_memory', 'crashed', 'invalid')), 
	CONSTRAINT ck_grading_runs_score_where_graded CHECK ((verdict = 'graded' AND score IS NOT NULL AND points_possible IS NOT NULL) OR (verdict <> 'graded' AND score IS NULL AND points_possible IS NULL)), 
	CONSTRAINT ck_grading_runs_score CHECK (score BETWEEN 0 AND 1e300), 
	CONSTRAINT ck_grading_runs_points_possible CHECK (points_possible BETWEEN 0 AND 1e300), 
	CONSTRAINT ck_grading_runs_wall_s CHECK (wall_s BETWEEN 0 AND 1e300), 
	CONSTRAINT ck_grading_runs_tries CHECK (tries >= 0)
);
INSERT INTO "grading_runs" VALUES('01a04d1a-d9f4-76df-be95-4ca962fb4601','01a04d1a-d9f4-7168-ba14-bddd32aa4973','initial',NULL,'2026-11-24T19:29:28.394796Z','graded',0.5,1.0,'2026-08-29T10:40:00.500000Z','2026-08-29T10:40:00.500000Z',NULL,NULL,'','classic',0,'[]','','Imported from the old service''s gradebook.','',0.0,NULL);
INSERT INTO "grading_runs" VALUES('01a20f08-db54-70e8-8a8a-d8b536748c4f','01a20f08-db54-70e8-8a8a-d8b4bec6bf60','initial',NULL,'2026-11-24T19:29:28.404523Z','graded',7.0,10.0,'2026-09-01T13:00:00.123456Z','2026-09-01T13:00:02.123456Z','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:0123','7.0.0','process',1,'["cell_timeout", "output_truncated"]','Your notebook was graded.','','done
',1.5,268435456);
INSERT INTO "grading_runs" VALUES('01a20f08-db60-73be-a071-9d80eff5e185','01a20f08-db60-73be-a071-9d7f82fbc37f','initial',NULL,'2026-11-24T19:29:28.416527Z','graded',9.0,10.0,'2026-09-01T13:00:00.123456Z','2026-09-01T13:00:02.123456Z','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:0123','7.0.0','process',1,'["cell_timeout", "output_truncated"]','Your notebook was graded.','','done
',1.5,268435456);
INSERT INTO "grading_runs" VALUES('01a20f08-db66-7261-9ac0-c764aaead015','01a20f08-db66-7261-9ac0-c763adc41fe0','initial',NULL,'2026-11-24T19:29:28.422547Z','timed_out',NULL,NULL,'2026-09-01T13:00:00.123456Z','2026-09-01T13:00:02.123456Z','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:0123','','process',1,'[]','Your notebook took too long.','Killed after 120 s.','',0.0,NULL);
INSERT INTO "grading_runs" VALUES('01a20f08-db6a-700d-af6b-4e1a62762a28','01a20f08-db6a-700d-af6b-4e19e721c740','initial',NULL,'2026-11-24T19:29:28.426527Z','graded',4.0,8.0,'2026-09-01T13:00:00.123456Z','2026-09-01T13:00:02.123456Z','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:0123','7.0.0','process',1,'["cell_timeout", "output_truncated"]','Your notebook was graded.','','done
',1.5,268435456);
INSERT INTO "grading_runs" VALUES('01a20f08-db6e-748c-b9aa-52abc674ad31','01a20f08-db6e-748c-b9aa-52aa711d3feb','initial',NULL,'2026-11-24T19:29:28.430761Z','graded',10.0,10.0,'2026-09-01T13:00:00.123456Z','2026-09-01T13:00:02.123456Z','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:0123','7.0.0','process',1,'["tampered"]','Your notebook was graded.','','done
',1.5,268435456);
INSERT INTO "grading_runs" VALUES('01a20f08-db73-7502-8d01-744c74232ab8','01a20f08-db73-7502-8d01-744b774de65e','initial',NULL,'2026-11-24T19:29:28.435149Z','graded',6.0,10.0,'2026-09-01T13:00:00.123456Z','2026-09-01T13:00:02.123456Z','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:0123','7.0.0','process',1,'["tampered"]','Your notebook was graded.','','done
',1.5,268435456);
CREATE TABLE question_scores (
	run_id VARCHAR(36) NOT NULL, 
	question TEXT NOT NULL, 
	score DOUBLE NOT NULL, 
	points_possible DOUBLE NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_question_scores PRIMARY KEY (run_id, question), 
	CONSTRAINT fk_question_scores_run_id FOREIGN KEY(run_id) REFERENCES grading_runs (id), 
	CONSTRAINT ck_question_scores_score CHECK (score >= 0 AND score <= points_possible + 0.000001), 
	CONSTRAINT ck_question_scores_points_possible CHECK (points_possible BETWEEN 0 AND 1e300), 
	CONSTRAINT ck_question_scores_position CHECK (position >= 0)
);
INSERT INTO "question_scores" VALUES('01a20f08-db54-70e8-8a8a-d8b536748c4f','q2',7.0,10.0,0);
INSERT INTO "question_scores" VALUES('01a20f08-db54-70e8-8a8a-d8b536748c4f','q1',0.0,0.0,1);
INSERT INTO "question_scores" VALUES('01a20f08-db60-73be-a071-9d80eff5e185','q2',9.0,10.0,0);
INSERT INTO "question_scores" VALUES('01a20f08-db60-73be-a071-9d80eff5e185','q1',0.0,0.0,1);
INSERT INTO "question_scores" VALUES('01a20f08-db6a-700d-af6b-4e1a62762a28','q2',4.0,8.0,0);
INSERT INTO "question_scores" VALUES('01a20f08-db6a-700d-af6b-4e1a62762a28','q1',0.0,0.0,1);
INSERT INTO "question_scores" VALUES('01a20f08-db6e-748c-b9aa-52abc674ad31','q2',10.0,10.0,0);
INSERT INTO "question_scores" VALUES('01a20f08-db6e-748c-b9aa-52abc674ad31','q1',0.0,0.0,1);
INSERT INTO "question_scores" VALUES('01a20f08-db73-7502-8d01-744c74232ab8','q2',6.0,10.0,0);
INSERT INTO "question_scores" VALUES('01a20f08-db73-7502-8d01-744c74232ab8','q1',0.0,0.0,1);
CREATE TABLE requests (
	id VARCHAR(36) NOT NULL, 
	action VARCHAR(32) NOT NULL, 
	payload TEXT NOT NULL, 
	requested_by VARCHAR(255) NOT NULL, 
	received_at VARCHAR(27) NOT NULL, 
	reason TEXT NOT NULL, 
	done_at VARCHAR(27), 
	outcome VARCHAR(32), 
	message TEXT, 
	CONSTRAINT pk_requests PRIMARY KEY (id), 
	CONSTRAINT ck_requests_outcome CHECK ((done_at IS NULL) = (outcome IS NULL))
);
INSERT INTO "requests" VALUES('01a20f08-db77-704a-a51a-9b0d17facea8','accept_flagged','{"action":"accept_flagged","run":"01a20f08-db73-7502-8d01-744c74232ab8"}','staff','2026-09-01T14:00:00.123456Z','talked to them','2026-11-24T19:29:28.444079Z','done','Accepted: it counts from now on.');
CREATE TABLE submissions (
	id VARCHAR(36) NOT NULL, 
	student VARCHAR(255) NOT NULL, 
	course VARCHAR(255) NOT NULL, 
	section VARCHAR(255) NOT NULL, 
	assignment VARCHAR(255) NOT NULL, 
	received_at VARCHAR(27) NOT NULL, 
	received_epoch VARCHAR(32) NOT NULL, 
	sha256 VARCHAR(64), 
	size_bytes BIGINT, 
	source VARCHAR(32) NOT NULL, 
	requested_by VARCHAR(255) NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_submissions PRIMARY KEY (id), 
	CONSTRAINT ck_submissions_notebook CHECK ((sha256 IS NOT NULL AND size_bytes IS NOT NULL AND size_bytes >= 0) OR (source = 'classic' AND sha256 IS NULL AND size_bytes IS NULL))
);
INSERT INTO "submissions" VALUES('01a04d1a-d9f4-7168-ba14-bddd32aa4973','ben','classic','fa26','lab00','2026-08-29T10:40:00.500000Z','1788000000.5',NULL,NULL,'classic','ben','');
INSERT INTO "submissions" VALUES('01a20f08-db54-70e8-8a8a-d8b4bec6bf60','josé','demo101','fa26','lab01','2026-09-01T12:00:00.123456Z','1788264000.123456','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1234,'dev','josé','');
INSERT INTO "submissions" VALUES('01a20f08-db60-73be-a071-9d7f82fbc37f','josé','demo101','fa26','lab01','2026-09-01T12:01:00.123456Z','1788264060.123456','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1234,'dev','josé','');
INSERT INTO "submissions" VALUES('01a20f08-db66-7261-9ac0-c763adc41fe0','josé','demo101','fa26','lab01','2026-09-01T12:02:00.123456Z','1788264120.123456','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1234,'dev','josé','');
INSERT INTO "submissions" VALUES('01a20f08-db6a-700d-af6b-4e19e721c740','ada','demo101','fa26','lab01','2026-09-01T12:03:00.123456Z','1788264180.123456','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1234,'dev','ada','');
INSERT INTO "submissions" VALUES('01a20f08-db6e-748c-b9aa-52aa711d3feb','eve','demo101','fa26','lab01','2026-09-01T12:04:00.123456Z','1788264240.123456','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1234,'dev','eve','');
INSERT INTO "submissions" VALUES('01a20f08-db73-7502-8d01-744b774de65e','mal','demo101','fa26','lab01','2026-09-01T12:05:00.123456Z','1788264300.123456','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1234,'dev','mal','');
CREATE INDEX ix_submissions_student ON submissions (student, course, section, assignment);
CREATE INDEX ix_submissions_assignment ON submissions (course, section, assignment, received_at);
CREATE INDEX ix_submissions_received_at ON submissions (received_at);
CREATE UNIQUE INDEX ux_grading_runs_regrade ON grading_runs (submission_id, regrade_id);
CREATE UNIQUE INDEX ux_grading_runs_initial ON grading_runs (submission_id) WHERE regrade_id IS NULL;
CREATE INDEX ix_grading_runs_verdict ON grading_runs (verdict);
CREATE UNIQUE INDEX ux_grades_of_record ON grades (course, section, assignment, student) WHERE superseded_at IS NULL;
CREATE INDEX ix_grades_student ON grades (student, course, section, assignment);
CREATE INDEX ix_requests_received_at ON requests (received_at);
CREATE VIEW counted_runs AS
SELECT
    r.id AS run_id,
    r.submission_id AS submission_id,
    r.score AS score,
    r.points_possible AS points_possible,
    CASE
        WHEN r.score IS NULL THEN NULL
        WHEN r.points_possible <= 0 THEN 0.0
        WHEN r.score >= r.points_possible THEN 1.0
        ELSE r.score / r.points_possible
    END AS fraction
FROM grading_runs AS r
WHERE r.applied_at IS NOT NULL
  AND NOT EXISTS (
    SELECT 1
    FROM grading_runs AS later
    WHERE later.submission_id = r.submission_id
      AND (
        later.applied_at > r.applied_at
        OR (later.applied_at = r.applied_at AND later.id > r.id)
      )
  );
CREATE VIEW gradebook_csv AS
SELECT
    s.student AS userid,
    c.fraction AS grade,
    s.section AS section,
    s.assignment AS lab,
    s.received_epoch AS "timestamp",
    s.course AS course
FROM submissions AS s
JOIN counted_runs AS c ON c.submission_id = s.id
WHERE c.score IS NOT NULL;
CREATE TRIGGER grades_are_only_superseded BEFORE UPDATE ON grades
WHEN OLD.superseded_at IS NOT NULL
  OR NEW.superseded_at IS NULL
  OR NEW.id <> OLD.id
  OR NEW.student <> OLD.student
  OR NEW.course <> OLD.course
  OR NEW.section <> OLD.section
  OR NEW.assignment <> OLD.assignment
  OR NEW.score <> OLD.score
  OR NEW.points_possible <> OLD.points_possible
  OR NEW.run_id <> OLD.run_id
  OR NEW.submission_id <> OLD.submission_id
  OR NEW.made_at <> OLD.made_at
BEGIN
    SELECT RAISE(ABORT, 'a grade is never changed: it may be superseded, once');
END;
CREATE TRIGGER grades_are_never_deleted BEFORE DELETE ON grades
BEGIN
    SELECT RAISE(ABORT, 'a grade is never deleted: it may be superseded, once');
END;
COMMIT;
