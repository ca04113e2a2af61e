-- After `nba-backfill export ddl --engine athena --s3-bucket my-lake --s3-prefix nba`: the season's twenty leading
-- scorers. `season` (and `month`) choose the files that are read, and so what the question costs.
SELECT person_id,
       max(name_i)                            AS player,
       count(*)                               AS games,
       round(avg(CAST(points AS double)), 1)  AS points_a_game
FROM box_scores_traditional
WHERE season = '2024-25'
  AND minutes_seconds > 0
GROUP BY person_id
HAVING count(*) >= 2
ORDER BY points_a_game DESC, person_id
LIMIT 20;
