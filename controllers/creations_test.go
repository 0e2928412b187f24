package controllers

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// Sessions create their objects in the order in which they came, and a pass more does not move or repeat one.
func TestCreationsGoInOrder(t *testing.T) {
	var c creations
	key := func(i int) types.NamespacedName {
		return types.NamespacedName{Namespace: "shop", Name: fmt.Sprint("s", i)}
	}
	for range 2 {
		for i := range creationsAtOnce + 4 {
			if began := c.begin(key(i)); began != (i < creationsAtOnce) {
				t.Fatalf("session %d may create: %t", i, began)
			}
		}
	}
	gone := creationsAtOnce + 1
	if next, found := c.end(key(gone)); found {
		t.Errorf("the end of a wait lets %s create", next.Name)
	}
	for i, want := range []int{creationsAtOnce, creationsAtOnce + 2, creationsAtOnce + 3} {
		if next, found := c.end(key(i)); !found || next != key(want) {
			t.Errorf("after session %d comes %q, want %q", i, next.Name, key(want).Name)
		}
		if !c.begin(key(want)) {
			t.Errorf("session %d was asked for a pass and may not create", want)
		}
		if c.begin(key(100 + i)) {
			t.Errorf("session %d takes the place of session %d", 100+i, want)
		}
	}
	if next, found := c.end(key(creationsAtOnce)); !found || next != key(100) {
		t.Errorf("at last comes %q", next.Name)
	}
}

// Namespaces create in turns: one that applies thousands of sessions delays no other.
func TestNamespacesCreateInTurns(t *testing.T) {
	var c creations
	key := func(namespace string, i int) types.NamespacedName {
		return types.NamespacedName{Namespace: namespace, Name: fmt.Sprint("s", i)}
	}
	for i := range 1000 {
		c.begin(key("big", i))
	}
	for i := range 2 {
		c.begin(key("small", i))
		c.begin(key("gone", i))
	}
	c.end(key("gone", 0))
	c.end(key("gone", 1))
	var order []types.NamespacedName
	for i := range 5 {
		next, found := c.end(key("big", i))
		if !found {
			t.Fatal("nobody comes next")
		}
		order = append(order, next)
	}
	want := []types.NamespacedName{key("big", 4), key("small", 0), key("big", 5), key("small", 1), key("big", 6)}
	if !slices.Equal(order, want) {
		t.Errorf("the order is %v, want %v", order, want)
	}
}

// Nobody may be forgotten, and the memory of a wait ends with it.
func TestCreationsEnd(t *testing.T) {
	var c creations
	key := func(i int) types.NamespacedName {
		return types.NamespacedName{Namespace: "shop", Name: fmt.Sprint("s", i)}
	}
	var asked []types.NamespacedName
	for i := range 100 {
		if c.begin(key(i)) {
			asked = append(asked, key(i))
		}
	}
	for i := 0; i < len(asked); i++ {
		if next, found := c.end(asked[i]); found {
			asked = append(asked, next)
		}
	}
	if len(asked) != 100 || len(c.running) != 0 || len(c.waiting) != 0 || len(c.lines) != 0 || c.order.Len() != 0 {
		t.Errorf("of 100 sessions %d created; %d run, %d (%d) wait", len(asked), len(c.running), len(c.waiting), c.order.Len())
	}
}
