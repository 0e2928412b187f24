package mediahost

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// chunk is how much of a file is encrypted at a time.
const chunk = 32 << 10

// Seal encrypts a file as WhatsApp's clients do: AES in CBC mode, and ten bytes of an HMAC behind it. What it returns
// is encrypted again each time it is read.
func Seal(plain *File, kind Kind, key []byte) (*File, error) {
	with, err := kind.expand(key)
	if err != nil {
		return nil, err
	}
	sealed, err := measure(func() (io.ReadCloser, error) {
		block, err := aes.NewCipher(with.cipher)
		if err != nil {
			return nil, err
		}
		in, err := plain.Open()
		if err != nil {
			return nil, err
		}
		mac := hmac.New(sha256.New, with.mac)
		mac.Write(with.iv)
		return &sealer{plain: in, cbc: cipher.NewCBCEncrypter(block, with.iv), mac: mac}, nil
	})
	if err != nil {
		return nil, err
	}
	sealed.held = plain.held
	return sealed, nil
}

// sealer encrypts what it reads.
type sealer struct {
	plain io.ReadCloser
	cbc   cipher.BlockMode
	mac   hash.Hash
	buf   [chunk + aes.BlockSize + macSize]byte
	ready []byte
	ended bool
}

func (s *sealer) Close() error { return s.plain.Close() }

func (s *sealer) Read(b []byte) (int, error) {
	if len(s.ready) == 0 {
		if s.ended {
			return 0, io.EOF
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

// fill encrypts the next chunk; only the last one is not a whole one.
func (s *sealer) fill() error {
	n, err := io.ReadFull(s.plain, s.buf[:chunk])
	s.ended = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err != nil && !s.ended {
		return err
	}
	if s.ended {
		padding := aes.BlockSize - n%aes.BlockSize
		for range padding {
			s.buf[n] = byte(padding)
			n++
		}
	}
	s.cbc.CryptBlocks(s.buf[:n], s.buf[:n])
	s.mac.Write(s.buf[:n])
	s.ready = s.buf[:n]
	if s.ended {
		s.ready = append(s.ready, s.mac.Sum(nil)[:macSize]...)
	}
	return nil
}

// What is wrong with an encrypted file.
var (
	ErrTooShort = errors.New("the encrypted file is too short, or not made of whole blocks")
	ErrSeal     = errors.New("the encrypted file's seal is wrong: it was changed, or the key is another one")
	ErrPadding  = errors.New("the encrypted file's padding is wrong")
)

// Unseal decrypts a file into out and returns how many bytes it has. What it wrote is worth nothing after an error.
func Unseal(sealed io.Reader, size int64, kind Kind, key []byte, out io.Writer) (int64, error) {
	with, err := kind.expand(key)
	if err != nil {
		return 0, err
	}
	block, err := aes.NewCipher(with.cipher)
	if err != nil {
		return 0, err
	}
	left := size - macSize
	if left < aes.BlockSize || left%aes.BlockSize != 0 {
		return 0, fmt.Errorf("%w: %d bytes", ErrTooShort, size)
	}
	mac := hmac.New(sha256.New, with.mac)
	mac.Write(with.iv)
	cbc := cipher.NewCBCDecrypter(block, with.iv)
	var written int64
	unpadded := true
	buf := make([]byte, chunk)
	for left > 0 {
		part := buf[:min(left, chunk)]
		if _, err = io.ReadFull(sealed, part); err != nil {
			return 0, fmt.Errorf("read the encrypted file: %w", err)
		}
		left -= int64(len(part))
		mac.Write(part)
		cbc.CryptBlocks(part, part)
		if left == 0 {
			padding := int(part[len(part)-1])
			unpadded = padding > 0 && padding <= aes.BlockSize
			if !unpadded {
				padding = 0
			}
			part = part[:len(part)-padding]
		}
		n, err := out.Write(part)
		written += int64(n)
		if err != nil {
			return 0, err
		}
	}
	seal := buf[:macSize]
	if _, err = io.ReadFull(sealed, seal); err != nil {
		return 0, fmt.Errorf("read the encrypted file: %w", err)
	}
	if !hmac.Equal(seal, mac.Sum(nil)[:macSize]) {
		return 0, ErrSeal
	}
	if !unpadded {
		return 0, ErrPadding
	}
	return written, nil
}
