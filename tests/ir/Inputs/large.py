"""IR text of a network with one weight of 25 MB of text."""
N = 2500000
print(f'module m\ndata #1 : f32 x {N} = [' + ', '.join(['0.123456'] * N) + f''']

network @n(%x : f32) -> (y) stage hi {{
  %1 = data {{data = #1}} : f32[{N}]
  %2 = const {{int = 7}} : ix<{N}>
  %3 = index %1, %2 : f32
  %4 = mul %x, %3 : f32
  yield %4
}}''')
