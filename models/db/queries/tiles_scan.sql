-- Facts of features in order of id, some hundred to a row, each as record_send gives it.
SELECT string_agg(record_send(f.facts), ''::bytea ORDER BY f.number)
FROM (SELECT row_number() OVER (ORDER BY t.id) AS number, t.facts FROM ({facts}) AS t) AS f
GROUP BY f.number / 500
ORDER BY f.number / 500
