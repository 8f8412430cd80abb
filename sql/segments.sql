-- What is refused about segments, with the way out; and the texts of scales, rules and results.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
SELECT make_rfm_scale('{90,30}', '{2,4}', '{50,99.90}') AS scale, make_rfm_rules('[{"segment": "VIP", "r": [2, 3], "m": 3}]', 'Rest') AS rules;
SELECT rfm_census(timelines(c, day, value), make_rfm_scale('{90,30}', '{2,4}', '{50,99.90}'), '{"segments": [{"segment": "VIP", "r": [2, 3], "m": 3}]}', '2024-03-01')
FROM (VALUES (1, date '2024-02-01', 60.50), (1, '2024-02-20', 49.50), (2, '2023-06-01', 10), (3, NULL, NULL)) v (c, day, value);
SELECT rfm_distribution(timelines(c, day, value), '2024-03-01') FROM (VALUES (1, date '2024-02-01', 60.50), (1, '2024-02-20', 49.50), (2, '2023-06-01', 10)) v (c, day, value);

-- a scale
SELECT make_rfm_scale('{30,90}', '{2,4}', '{50,100}');
SELECT make_rfm_scale('{90,30}', '{4,2}', '{50,100}');
SELECT make_rfm_scale('{90,30}', '{2}', '{50,100}');
SELECT make_rfm_scale(NULL, '{2}', '{50,100}');
SELECT '{"recency": [90.5], "frequency": [2], "monetary": [50]}'::rfm_scale;
SELECT '{"recency": [90], "frequency": [2]}'::rfm_scale;
SELECT '{"recency": [90], "frequency": [2], "monetary": ["50"]}'::rfm_scale;
SELECT '{"recency": [90], "frequency": [2], "monetary": [50], "bins": 2}'::rfm_scale;

-- rules
SELECT '{"segments": [{"segment": "VIP", "R": 5}]}'::rfm_rules;
SELECT '{"segments": [{"segment": "VIP"}, {"segment": "VIP", "r": [5]}]}'::rfm_rules;
SELECT '{"segments": [{"segment": "VIP", "f": [5, 4]}]}'::rfm_rules;
SELECT '{"segments": [{"segment": "VIP", "m": 0}]}'::rfm_rules;
SELECT '{"segments": [{"r": 5}]}'::rfm_rules;
SELECT '{"segments": []}'::rfm_rules;
SELECT '{"others": "not yet bought"}'::rfm_rules;

-- questions
SELECT rfm_score('[]', NULL, '2024-01-01');
SELECT rfm_segment(5, 5, 5, NULL);
SELECT rfm_scale(timelines(1, date '2024-01-01', 5), 0);
SELECT rfm_scale(t, 5) FROM (SELECT timeline_agg(date '2024-01-01', 5) AS t) q;
SELECT rfm_census(t, NULL, '{}', '2024-01-01') FROM (SELECT timeline_agg(date '2024-01-01', 5) AS t) q;
SELECT rfm_census(timelines(1, date '2024-01-01', 5), rules => NULL);
SELECT rfm_migration(timelines(1, date '2024-01-01', 5));
SELECT rfm_migration(timelines(1, date '2024-01-01', 5), from_day => '2024-01-02');
SELECT rfm_scale(timelines('Anna', date '2024-01-01' + n, 9000000000000000000)) FROM generate_series(1, 2) n;
SELECT rollup(r) FROM (SELECT rfm_census(timelines(c, date '2024-01-01', c), as_of => '2024-01-05') AS r FROM generate_series(1, 2) c GROUP BY c) q;
