package session

import "sync"

// queue runs jobs one after the other, in the order in which they were added, on a goroutine that exists only while
// there are jobs. To add a job never blocks.
type queue struct {
	mu      sync.Mutex
	jobs    []func() // not begun yet, oldest first
	running bool
}

func (q *queue) add(job func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = append(q.jobs, job)
	if !q.running {
		q.running = true
		go q.run()
	}
}

func (q *queue) run() {
	for job := q.next(); job != nil; job = q.next() {
		job()
	}
}

// next takes the oldest job; nil when there is none, which ends the goroutine.
func (q *queue) next() func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) == 0 {
		q.jobs, q.running = nil, false
		return nil
	}
	job := q.jobs[0]
	q.jobs = q.jobs[1:]
	return job
}

// drained is closed once every job that was added before has run.
func (q *queue) drained() <-chan struct{} {
	done := make(chan struct{})
	q.mu.Lock()
	idle := !q.running
	q.mu.Unlock()
	if idle {
		close(done)
		return done
	}
	q.add(func() { close(done) })
	return done
}
