package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
)

// mostBytes is about how many bytes of events, messages or other rows one answer has: the rows of a page can be 64 kB each,
// and the memory of a bot is small.
const mostBytes = 1 << 20

// place is where a message is, and how many bytes it has.
type place struct {
	n     int64
	bytes int
}

// Found are messages that were found; Next reads them part by part.
type Found struct {
	j    *Journal
	left []place
}

// places begins a query for find.
const places = `SELECT n, octet_length(body)` + fromMessages

// find finds messages, without their content.
func (j *Journal) find(ctx context.Context, query string, args ...any) (f Found, err error) {
	rows, err := j.db.QueryContext(ctx, query, args...)
	if err != nil {
		return Found{}, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	f.j = j
	for rows.Next() {
		var p place
		if err := rows.Scan(&p.n, &p.bytes); err != nil {
			return Found{}, err
		}
		f.left = append(f.left, p)
	}
	return f, rows.Err()
}

// Next reads as many of the messages as one answer has, in their order; none when there are no more.
func (f *Found) Next(ctx context.Context) (records []Record, err error) {
	for len(records) == 0 && len(f.left) > 0 { // what was found may be deleted since
		if records, err = f.j.records(ctx, f.take()); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// take takes the first places whose messages are not more than mostBytes, and at least one.
func (f *Found) take() []place {
	n, size := 0, 0
	for n < len(f.left) && (n == 0 || size+f.left[n].bytes <= mostBytes) {
		size += f.left[n].bytes
		n++
	}
	some := f.left[:n]
	f.left = f.left[n:]
	return some
}

// records reads messages, in the order of their places.
func (j *Journal) records(ctx context.Context, at []place) ([]Record, error) {
	order, ns := map[int64]int{}, make([]int64, len(at))
	for i, p := range at {
		order[p.n], ns[i] = i, p.n
	}
	list, err := json.Marshal(ns)
	if err != nil {
		return nil, fmt.Errorf("encode places: %w", err)
	}
	rows, err := j.db.QueryContext(ctx, selectRecord+fromMessages+` WHERE n IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, err
	}
	records, err := j.scanRecords(rows, false)
	sort.Slice(records, func(a, b int) bool { return order[records[a].N] < order[records[b].N] })
	return records, err
}
