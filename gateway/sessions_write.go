package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// writeTimeout bounds a write to the cluster, and the wait until the gateway sees it itself.
const writeTimeout = 10 * time.Second

// wahaCreate creates a session.
func (c *call) wahaCreate(who *caller) error {
	request, err := c.readRequest()
	if err != nil {
		return err
	}
	return c.wahaMake(who, request)
}

// wahaMake creates the session that a request describes.
func (c *call) wahaMake(who *caller, request wahaRequest) error {
	if request.Name == "" {
		request.Name = "session-" + strings.ToLower(rand.Text()[:10])
	}
	key, ok := parseName(request.Name, who.namespace)
	if !ok {
		return unprocessable(text{
			"name harus berupa a-z, 0-9 dan -, paling banyak 60 huruf, bila perlu dengan namespace di depannya: toko, penjualan.toko.",
			"name must be of a-z, 0-9 and -, at most 60 characters, with a namespace before it where needed: shop, sales.shop."})
	}
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: key.namespace, Name: key.name}}
	if request.Start != nil && !*request.Start {
		session.Spec.Suspended = new(true)
	}
	needed, err := configure(session, &request.Config)
	if err != nil {
		return err
	}
	return c.create(who, key, session, needed, func(s *v1alpha1.WhatsAppSession) {
		writeJSON(c.w, http.StatusCreated, "application/json", c.wahaView(who, s))
	})
}

// create creates a session and the Secrets that it needs for a caller who has the right, and answers with it.
func (c *call) create(who *caller, key sessionKey, session *v1alpha1.WhatsAppSession, needed secrets, answer func(*v1alpha1.WhatsAppSession)) error {
	allowed, failure := false, c.paced(who)
	if failure == nil {
		allowed, failure = c.may(c.r.Context(), who, actCreate, key, session)
	}
	if failure == nil && !allowed {
		failure = forbidden(who, actCreate)
		if who.key != nil && who.key.Allows(rights[actCreate].key) {
			failure = problemForbidden.about(text{"Kunci ini tidak berlaku untuk sesi dengan nama atau label itu.", "This key does not open a session of that name or with those labels."})
		}
	}
	return c.counted(who, actCreate, key, false, failure, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		if err := c.writer.Create(ctx, session); err != nil {
			return c.refusal(err, key)
		}
		if err := c.writeSecrets(ctx, session, needed); err != nil {
			// Without them the session would not do what was asked for, and its maker could not ask again.
			_ = c.writer.Delete(ctx, session.DeepCopy(), client.Preconditions{UID: &session.UID}) // what stays is shown by its status
			return c.refusal(err, key)
		}
		c.settle(ctx, key, func(seen *v1alpha1.WhatsAppSession) bool { return seen != nil && seen.UID == session.UID })
		answer(session)
		return nil
	})
}

// wahaChange replaces a session's configuration.
func (c *call) wahaChange(who *caller, key sessionKey) error {
	request, err := c.readRequest()
	if err != nil {
		return err
	}
	if request.Name != "" {
		if named, failure := c.named(who, request.Name); failure != nil || named != key {
			return unprocessable(text{"Nama sesi tidak dapat diganti.", "A session's name cannot be changed."})
		}
	}
	return c.wahaUpdate(who, key, request, http.StatusOK)
}

// wahaUpdate makes a session what a request describes.
func (c *call) wahaUpdate(who *caller, key sessionKey, request wahaRequest, status int) error {
	return c.account(who, actChange, key, false, func(ctx context.Context) error {
		session, err := c.edit(ctx, who, key, func(s *v1alpha1.WhatsAppSession) (secrets, error) {
			if request.Start != nil {
				s.Spec.Suspended = new(!*request.Start)
			}
			if !request.described {
				return nil, nil
			}
			return configure(s, &request.Config)
		})
		if err != nil {
			return err
		}
		writeJSON(c.w, status, "application/json", c.wahaView(who, session))
		return nil
	})
}

// wahaSuspend stops a session's bot, or lets it start. The session stays linked.
func (c *call) wahaSuspend(who *caller, key sessionKey, suspend bool) error {
	return c.suspendAs(who, key, suspend, func(s *v1alpha1.WhatsAppSession) {
		writeJSON(c.w, http.StatusCreated, "application/json", c.wahaView(who, s))
	})
}

// suspendAs is wahaSuspend with another answer.
func (c *call) suspendAs(who *caller, key sessionKey, suspend bool, answer func(*v1alpha1.WhatsAppSession)) error {
	return c.account(who, actControl, key, false, func(ctx context.Context) error {
		session, err := c.edit(ctx, who, key, func(s *v1alpha1.WhatsAppSession) (secrets, error) {
			s.Spec.Suspended = &suspend
			return nil, nil
		})
		if err != nil {
			return err
		}
		answer(session)
		return nil
	})
}

// edit changes a session in the cluster. A caller whose key covers only some sessions cannot change one so that the key
// no longer covers it.
func (c *call) edit(ctx context.Context, who *caller, key sessionKey, change func(*v1alpha1.WhatsAppSession) (secrets, error)) (*v1alpha1.WhatsAppSession, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	for try := 0; ; try++ {
		session := &v1alpha1.WhatsAppSession{}
		if err := c.writer.Get(ctx, client.ObjectKey{Namespace: key.namespace, Name: key.name}, session); err != nil {
			return nil, c.refusal(err, key)
		}
		before := session.DeepCopy()
		needed, err := change(session)
		if err != nil {
			return nil, err
		}
		if who.key != nil && !who.key.Covers(key.namespace, key.name, session.Labels) {
			return nil, problemForbidden.about(text{"Dengan label itu, kunci ini tidak lagi berlaku untuk sesi ini.", "With those labels this key would no longer open the session."})
		}
		if err := c.writeSecrets(ctx, session, needed); err != nil {
			return nil, c.refusal(err, key)
		}
		if equality.Semantic.DeepEqual(before, session) {
			return session, nil
		}
		err = c.writer.Patch(ctx, session, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
		if apierrors.IsConflict(err) && try < 5 {
			continue // the operator or someone else wrote meanwhile
		}
		if err != nil {
			return nil, c.refusal(err, key)
		}
		c.dropSecrets(ctx, before, session)
		c.settle(ctx, key, func(seen *v1alpha1.WhatsAppSession) bool {
			return seen == nil || seen.Generation > before.Generation || seen.ResourceVersion == session.ResourceVersion
		})
		return session, nil
	}
}

// wahaDelete deletes a session. What is on its claim is kept or deleted, as its retentionPolicy says.
func (c *call) wahaDelete(who *caller, key sessionKey) error {
	if err := c.remove(who, key); err != nil {
		return err
	}
	c.w.Header().Set("Cache-Control", "no-store")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// remove is wahaDelete without an answer.
func (c *call) remove(who *caller, key sessionKey) error {
	return c.account(who, actDelete, key, false, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, writeTimeout)
		defer cancel()
		session := c.fleet.session(key)
		if session == nil {
			return problemNoSession.about(problemNoSession.detail)
		}
		err := c.writer.Delete(ctx, session.DeepCopy(), client.Preconditions{UID: &session.UID})
		if client.IgnoreNotFound(err) != nil {
			return c.refusal(err, key)
		}
		c.settle(ctx, key, func(seen *v1alpha1.WhatsAppSession) bool { return seen == nil || seen.DeletionTimestamp != nil })
		return nil
	})
}

// settle waits until the gateway itself sees a write, so that the caller's next request does too.
func (c *call) settle(ctx context.Context, key sessionKey, done func(*v1alpha1.WhatsAppSession) bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	changed, stop := c.fleet.follow()
	defer stop()
	for !done(c.fleet.session(key)) {
		select {
		case <-changed.wake:
		case <-ctx.Done():
			return
		}
	}
}

// refusal says why the cluster refused a write.
func (c *call) refusal(err error, key sessionKey) error {
	var status apierrors.APIStatus
	switch {
	case apierrors.IsAlreadyExists(err):
		return &problem{status: http.StatusUnprocessableEntity, kind: bot.ProblemConflict, title: text{"Sudah ada", "It exists"},
			detail: text{"Sesi '" + key.name + "' sudah ada. Pakai PUT untuk mengubahnya.", "Session '" + key.name + "' already exists. Use PUT to update it."}}
	case apierrors.IsNotFound(err):
		return problemNoSession.about(text{"Sesi atau namespace ini tidak ada.", "There is no such session or namespace."})
	case apierrors.IsConflict(err):
		return &problem{status: http.StatusConflict, kind: bot.ProblemConflict, title: text{"Berubah", "Changed meanwhile"},
			detail: text{"Sesi ini baru saja diubah; coba lagi.", "The session was changed meanwhile; try again."}, retryAfter: 1}
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err):
		if errors.As(err, &status) {
			return unprocessable(text{"Kluster menolak: " + status.Status().Message, "The cluster refuses it: " + status.Status().Message})
		}
	}
	c.log.Error("write a session", "namespace", key.namespace, "session", key.name, "error", err.Error())
	return problemCluster.about(problemCluster.detail)
}
